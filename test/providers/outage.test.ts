/** A provider that cannot be reached, and comes back. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStack } from '../support/stack.ts';
import { WIRES, wireRoute } from '../wire/collect.ts';
import { startWire, type WireServer } from '../wire/server.ts';
import { type OnWire, ofType, onStack } from './on-wire.ts';

const DOWN_MS = 1_200;

let wire: WireServer;
let front: Front;
let on: Omit<OnWire, 'wire' | 'close'>;
beforeAll(async () => {
  wire = await startWire();
  front = await Front.of(Number(new URL(wire.url).port));
  const url = `http://127.0.0.1:${front.port}/v1`;
  on = onStack(await openStack({ routes: WIRES.map((name) => wireRoute(name, url)) }));
});
afterAll(async () => {
  await on.stack.close();
  await front.down();
  await wire.close();
});

it.each(WIRES)('a run completes on the %s wire once the provider listens again', async (name) => {
  await front.down();
  wire.script(name, [{ text: ['Back.'] }]);
  const id = await on.run({ route_id: name, input: 'x' });
  await on.until(id, 'message.reset');
  await new Promise((resolve) => setTimeout(resolve, DOWN_MS));
  expect((await on.details(id)).status).toBe('running');
  await front.up();
  const events = await on.finish(id);
  expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'Back.' } });
  for (const reset of ofType(events, 'message.reset')) expect(reset.data.reason).toBe('provider_error');
});

it('a run outlives a provider that goes away in mid-stream', async () => {
  await front.up();
  wire.script('openai', (_, index) => (index === 0 ? { text: ['Ha'], fault: 'silent' } : { text: ['Whole.'] }));
  const id = await on.run({ route_id: 'openai', input: 'x' });
  await on.until(id, 'message.delta');
  await front.down();
  await on.until(id, 'message.reset');
  await front.up();
  expect((await on.finish(id)).at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'Whole.' } });
});

/** The provider's address: a port that leads to the wire server while it is up, and refuses connections while it is down. */
class Front {
  readonly port: number;
  readonly #target: number;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.#target = target;
    server.on('connection', this.#forward);
  }

  static async of(target: number): Promise<Front> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Front(server, target);
  }

  async up(): Promise<void> {
    if (this.#server) return;
    const server = createServer(this.#forward);
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
  }

  async down(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  readonly #forward = (socket: Socket): void => {
    const target = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [socket, target],
      [target, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  };
}
