/** A TCP proxy that can be cut and restored: a network, or a server behind it, that goes away and comes back. */
import { connect, createServer, type Socket } from 'node:net';

/** One connection through the proxy, as a tap may break it. */
export type ProxiedConnection = {
  /** Breaks both ends. */
  cut(): void;
  /** Breaks the client's end; the server goes on knowing nothing. */
  cutClient(): void;
};

/** Sees what goes through; what it returns false for is swallowed. */
export type Tap = (chunk: Buffer, from: 'client' | 'server', connection: ProxiedConnection) => boolean;

export async function startProxy(target: string, options: { tap?: Tap } = {}) {
  const at = target.lastIndexOf(':');
  const [host, port] = [target.slice(0, at), Number(target.slice(at + 1))];
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(port, host);
    let isHalf = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    near.on('close', () => isHalf || far.destroy());
    far.on('close', () => near.destroy());
    const { tap } = options;
    if (!tap) return void near.pipe(far).pipe(near);
    const connection = {
      cut: () => void near.destroy(),
      cutClient() {
        isHalf = true;
        near.destroy();
      },
    };
    near.on('data', (chunk: Buffer) => void (tap(chunk, 'client', connection) && far.write(chunk)));
    far.on('data', (chunk: Buffer) => void (tap(chunk, 'server', connection) && near.write(chunk)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    /** Breaks every connection and lets no other through. */
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    /** Lets no other connection through; those that there are go on. */
    refuse() {
      isCut = true;
    },
    restore() {
      isCut = false;
    },
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
