import { connect, createServer } from 'node:net';
import { HoldfastError } from '../../errors.ts';
import { isCode } from './process-identity.ts';

const HOST = '127.0.0.1';
const PORTS_TO_TRY = 200;

/** The first free port of 127.0.0.1 from `first` upwards that is not in `besides`. Throws `temporal.no_port`. */
export async function nextFreePort(first: number, besides: readonly number[] = []): Promise<number> {
  const last = Math.min(first + PORTS_TO_TRY - 1, 65_535);
  for (let port = first; port <= last; port++) {
    if (!besides.includes(port) && (await isFree(port))) return port;
  }
  throw new HoldfastError(
    'temporal.no_port',
    `No free port on ${HOST} from ${first} to ${last} for the local Temporal server.`,
  );
}

/** Whether nobody listens on that port of 127.0.0.1 and it can be bound. */
export async function isFree(port: number): Promise<boolean> {
  // Both questions: on macOS a bind to 127.0.0.1 succeeds beside a listener on every interface.
  return !(await isListening(port)) && (await canBind(port));
}

/** Whether somebody accepts connections on that port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (isCode(error, 'EADDRINUSE') || isCode(error, 'EACCES')) resolve(false);
      else reject(error);
    });
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
