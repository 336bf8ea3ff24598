import { closeSync, openSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { sizeOf } from './size-of.ts';

/** Above this size the log of earlier starts moves to `temporal.log.1` (replacing it) at the next start. */
const LOG_MAX_BYTES = 5 * 1024 * 1024;
const TAIL_BYTES = 4096;
const TAIL_LINES = 15;

export interface ServerLog {
  path: string;
  /** A descriptor for the server's output; close it with `close` once the server has its own copy. */
  fd: number;
  close(): void;
  /** The last lines that were written since this log was opened. */
  tail(): Promise<string>;
}

/** Opens the server's log for appending, rotated when it has grown too large. */
export async function openServerLog(path: string): Promise<ServerLog> {
  let size = await sizeOf(path);
  if (size > LOG_MAX_BYTES) {
    await rename(path, `${path}.1`);
    size = 0;
  }
  const fd = openSync(path, 'a', 0o600);
  return { path, fd, close: () => closeSync(fd), tail: () => readTail(path, size) };
}

/** The last lines of the file at `path`, no earlier than byte `from`. */
export async function readTail(path: string, from = 0): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - start)), { position: start });
    return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    await file.close();
  }
}
