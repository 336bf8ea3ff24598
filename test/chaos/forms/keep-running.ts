/** What a supervisor does for a server that is not ours: starts it again whenever it has ended. */
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 500;

/** `say` is told why a start failed, as it does for want of its database: it is tried again at the next look. */
export function keepRunning(server: { isRunning: boolean; restart(): Promise<void> }, say: (why: string) => void) {
  let held = false;
  let stopped = false;
  const looking = (async () => {
    while (!stopped) {
      if (!held && !server.isRunning) await server.restart().catch((error: Error) => say(error.message));
      await delay(LOOK_EVERY_MS);
    }
  })();
  return {
    /** From here on it is dead on purpose. */
    hold() {
      held = true;
    },
    letGo() {
      held = false;
    },
    async stop() {
      stopped = true;
      await looking;
    },
  };
}
