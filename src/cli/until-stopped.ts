import type { Logger } from 'pino';

/** The contract: after SIGTERM or SIGINT a server has drained and exited within 10 s. */
const EXIT_WITHIN_MS = 9_500;

export type StopSignal = 'SIGTERM' | 'SIGINT';

export type UntilStopped = {
  /** Resolves at the first SIGTERM or SIGINT, with its name. */
  stopped: Promise<StopSignal>;
  /** Runs a start that a signal may end: undefined when it did. Errors of the start itself are thrown. */
  during<T>(start: (signal: AbortSignal) => Promise<T>): Promise<T | undefined>;
  /** Everything is closed: the process ends. */
  done(): void;
};

/** Handles SIGTERM and SIGINT from here on: the first asks for an orderly end, bounded in time; the second ends at once. */
export function untilStopped(log: Logger): UntilStopped {
  const stopping = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<StopSignal>();
  const onSignal = (name: StopSignal) => {
    if (stopping.signal.aborted) process.exit(1);
    log.info({ signal: name }, 'stopping');
    stopping.abort(new Error(`stopped by ${name}`));
    resolve(name);
    setTimeout(() => {
      log.error(`not stopped within ${EXIT_WITHIN_MS} ms; exiting`);
      process.exit(1);
    }, EXIT_WITHIN_MS).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    stopped,
    async during(start) {
      try {
        return await start(stopping.signal);
      } catch (error) {
        if (!stopping.signal.aborted) throw error;
        return undefined;
      }
    },
    done() {
      // Temporal's native runtime would keep a process alive that never came to use it.
      process.exit(0);
    },
  };
}
