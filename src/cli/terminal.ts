/** Where a command reads and writes. */
import type { Readable, Writable } from 'node:stream';

export type Terminal = {
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdin: Readable & { isTTY?: boolean };
  /** Results: events, lists. */
  stdout: Writable & { isTTY?: boolean };
  /** What is said about them: questions, hints, failures. */
  stderr: Writable & { isTTY?: boolean };
};

/** The process's own. */
export function processTerminal(): Terminal {
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  };
}

/** Whether colours are wanted there: a terminal, unless NO_COLOR (no-color.org) says otherwise. */
export function wantsColor(terminal: Terminal, stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !terminal.env.NO_COLOR;
}

/**
 * Aborts when nobody reads `stream` any more (`holdfast watch … | head`) or it fails, with the error as its reason. Without
 * this the process would end with a stack trace.
 */
export function untilUnread(stream: Writable): AbortSignal {
  const unread = new AbortController();
  stream.on('error', (error) => unread.abort(error));
  return unread.signal;
}

/** Text of a model, a tool or a user with its control characters made visible: it cannot move the cursor or set a title. */
export function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) =>
    character === '\n' || character === '\t'
      ? character
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
