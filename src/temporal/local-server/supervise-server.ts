import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalTemporal, LocalTemporalExit, StartOptions } from './local-temporal.ts';
import { startLocalTemporal } from './start-server.ts';

const RESTART_FIRST_DELAY_MS = 50;
const RESTART_MAX_DELAY_MS = 10_000;
/** A server that ran this long did not die of its start: the delays begin anew. */
const RESTART_STEADY_MS = 60_000;
/** Restarts in a row, none of them steady, before giving up; with the delays above about a minute. */
const RESTART_LIMIT = 12;

/**
 * startLocalTemporal, and a server that dies is started again on the same port, its address unchanged. `pid` is the current
 * one's. `exited` resolves after `stop`, or when RESTART_LIMIT restarts in a row did not last.
 */
export async function superviseLocalTemporal(options: StartOptions): Promise<LocalTemporal> {
  let current = await startLocalTemporal(options);
  const first = current;
  const stopped = new AbortController();

  const restart = async (): Promise<LocalTemporalExit> => {
    let attempt = 0;
    for (;;) {
      const began = performance.now();
      let exit = await current.exited;
      if (performance.now() - began >= RESTART_STEADY_MS) attempt = 0;
      for (;;) {
        if (stopped.signal.aborted) return { expected: true, how: exit.how };
        if (attempt === RESTART_LIMIT) {
          options.log.error({ attempt, how: exit.how }, 'Temporal server keeps ending; giving up');
          return exit;
        }
        const delayMs = Math.min(RESTART_FIRST_DELAY_MS * 2 ** attempt, RESTART_MAX_DELAY_MS);
        attempt++;
        options.log.warn({ attempt, delayMs, how: exit.how }, 'Temporal server ended; starting it again');
        await pause(delayMs, stopped.signal);
        if (stopped.signal.aborted) continue;
        try {
          const { port, uiPort } = first;
          current = await startLocalTemporal({ ...options, port, uiPort, exactPort: true, signal: stopped.signal });
          // Asked to stop after this one had become ready: nobody else knows of it.
          if (stopped.signal.aborted) await current.stop();
          break;
        } catch (error) {
          exit = { expected: false, how: error instanceof Error ? error.message : String(error) };
        }
      }
    }
  };
  const exited = restart();

  return {
    address: first.address,
    port: first.port,
    adopted: first.adopted,
    get uiUrl() {
      return current.uiUrl;
    },
    get uiPort() {
      return current.uiPort;
    },
    get pid() {
      return current.pid;
    },
    exited,
    async stop() {
      stopped.abort();
      await current.stop();
      await exited;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
