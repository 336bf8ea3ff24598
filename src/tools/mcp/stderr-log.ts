import type { Readable } from 'node:stream';
import type { Log } from '../../log.ts';

const MAX_LINE_CHARS = 1_000;
const MAX_CHARS_PER_WINDOW = 64 * 1024;
const WINDOW_MS = 60_000;

/** Logs what a server writes to standard error, at debug level: at most 64 Ki characters a minute, each chunk cut. */
export function logStderr(stderr: Readable, log: Log): void {
  let windowEnds = 0;
  let left = 0;
  stderr.setEncoding('utf8');
  stderr.on('error', (error) => log.debug({ err: error }, 'standard error of an MCP server cannot be read'));
  stderr.on('data', (chunk: string) => {
    if (Date.now() > windowEnds) {
      windowEnds = Date.now() + WINDOW_MS;
      left = MAX_CHARS_PER_WINDOW;
    }
    if (left <= 0) return;
    left -= chunk.length;
    for (const line of chunk.split('\n').filter((text) => text.trim() !== '')) {
      log.debug({ stderr: line.slice(0, MAX_LINE_CHARS) }, 'an MCP server says');
    }
    if (left <= 0) log.debug('an MCP server says too much: the rest of this minute is not logged');
  });
}
