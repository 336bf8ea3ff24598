/** A reader of events that costs next to nothing: a socket whose bytes are looked at where they arrive. */
import { connect } from 'node:net';
import type { Target } from './stream-run.ts';

const OK = Buffer.from('HTTP/1.1 200 ');
/** What all sockets read into, one after the other. */
const ARRIVED = Buffer.allocUnsafe(65_536);
const SHOWN_CHARACTERS = 500;

export type EventSocket = {
  /** Sends the request, a GET whose answer closes the connection. */
  ask(path: string): void;
  cut(): void;
};

/**
 * Connects; what is sent is for `ask`. `onBytes` gets what arrives, HTTP and all, in memory that is written over afterwards. `onEnd` is told
 * once that the connection has closed, with an error when it broke, or when the answer was no 200.
 */
export async function openEventSocket(
  { url, key }: Target,
  { onBytes, onEnd }: { onBytes: (bytes: Buffer) => void; onEnd: (error?: Error) => void },
): Promise<EventSocket> {
  const { hostname, port, host } = new URL(url);
  let isAnswered = false;
  const take = (size: number): boolean => {
    const bytes = ARRIVED.subarray(0, size);
    if (!isAnswered && !bytes.subarray(0, OK.length).equals(OK)) {
      socket.destroy(new Error(`not a 200: ${bytes.toString('latin1', 0, SHOWN_CHARACTERS)}`));
      return false;
    }
    isAnswered = true;
    onBytes(bytes);
    return true;
  };
  const socket = connect({ host: hostname, port: Number(port), onread: { buffer: ARRIVED, callback: take } });
  await new Promise<void>((resolve, reject) => {
    let failed: Error | undefined;
    socket.once('connect', resolve);
    socket.once('error', (error) => {
      failed = error;
      reject(error);
    });
    socket.once('close', () => onEnd(failed));
  });
  return {
    ask(path) {
      const headers = [
        `Host: ${host}`,
        `Authorization: Bearer ${key}`,
        'Accept: text/event-stream',
        'Connection: close',
      ];
      socket.write(`${[`GET ${path} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n`);
    },
    cut: () => socket.destroy(),
  };
}
