/** A process of Holdfast that can be struck, and that must not end unless it is. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TestServer } from '../../support/server.ts';
import type { Victim } from './form.ts';

/**
 * A process that cannot reach its database when it starts says so and ends with 1, by contract; whoever supervises it starts it again. One
 * that has lived for longer has started, unless it says that it could not open its database.
 */
const START_MS = 20_000;
/** What it says then; only a start does. */
const REFUSED = '(journal.unusable)';
const START_AGAIN_MS = 500;

export type ServerVictim = Victim & { close(): Promise<void> };

/** `ended` is told its name, and how, when it ends by itself. The server has been started. */
export function serverVictim(
  name: string,
  weight: number,
  server: TestServer,
  ended: (what: string) => void,
): ServerVictim {
  let life = 0;
  const watch = async () => {
    const watched = life;
    const began = performance.now();
    const saidBefore = server.stderr.length;
    const { code, signal } = await server.exited();
    if (life !== watched) return;
    const isRefused = performance.now() - began <= START_MS || server.stderr.includes(REFUSED, saidBefore);
    if (code !== 1 || !isRefused) ended(`${name} (${signal ?? code})`);
    await delay(START_AGAIN_MS);
    if (life === watched) start();
  };
  const start = () => {
    server.spawn();
    void watch();
  };
  void watch();
  return {
    ...{ name, weight, kinds: ['kill', 'freeze'] },
    async kill() {
      life++;
      await server.kill();
    },
    restart: async () => start(),
    freeze: async () => void (server.isRunning && process.kill(server.pid, 'SIGSTOP')),
    thaw: async () => void (server.isRunning && process.kill(server.pid, 'SIGCONT')),
    async close() {
      life++;
      await server.close();
    },
  };
}
