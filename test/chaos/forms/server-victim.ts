/** A process of Holdfast that can be struck, and that must not end unless it is. */
import type { TestServer } from '../../support/server.ts';
import type { Victim } from './form.ts';

/** `ended` is told its name when it ends by itself. The server has been started. */
export function serverVictim(name: string, weight: number, server: TestServer, ended: (name: string) => void): Victim {
  let life = 0;
  const watch = () => {
    const watched = life;
    void server.exited().then(() => life === watched && ended(name));
  };
  watch();
  return {
    ...{ name, weight, kinds: ['kill', 'freeze'] },
    async kill() {
      life++;
      await server.kill();
    },
    async restart() {
      server.spawn();
      watch();
    },
    async freeze() {
      process.kill(server.pid, 'SIGSTOP');
    },
    async thaw() {
      process.kill(server.pid, 'SIGCONT');
    },
  };
}
