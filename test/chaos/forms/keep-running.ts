/** What a supervisor does for a server that is not ours: starts it again whenever it has ended. */
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 500;

/** `held` while it is dead on purpose. */
export function keepRunning(server: { isRunning: boolean; restart(): Promise<void> }) {
  let held = false;
  let stopped = false;
  const looking = (async () => {
    while (!stopped) {
      // A start that fails, for want of its database, is tried again at the next look.
      if (!held && !server.isRunning) await server.restart().catch(() => undefined);
      await delay(LOOK_EVERY_MS);
    }
  })();
  return {
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
