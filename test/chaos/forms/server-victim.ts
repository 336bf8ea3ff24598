/** A process of Holdfast that can be struck. */
import type { TestServer } from '../../support/server.ts';
import type { Victim } from './form.ts';

export function serverVictim(name: string, weight: number, server: TestServer): Victim {
  return {
    ...{ name, weight, kinds: ['kill', 'freeze'] },
    kill: () => server.kill(),
    async restart() {
      server.spawn();
    },
    async freeze() {
      process.kill(server.pid, 'SIGSTOP');
    },
    async thaw() {
      process.kill(server.pid, 'SIGCONT');
    },
  };
}
