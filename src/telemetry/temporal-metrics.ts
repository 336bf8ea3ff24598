import type { Logger } from 'pino';

/** The native part answers from memory. */
const READ_TIMEOUT_MS = 1_000;

/**
 * Reads what Temporal's SDK counts of itself, from the port on 127.0.0.1 where its native part tells it. Without an answer
 * there is nothing to add, and the log says why.
 */
export function temporalMetricsAt(address: string, log: Logger): () => Promise<string> {
  return async () => {
    try {
      const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
      return await response.text();
    } catch (error) {
      log.warn({ error: (error as Error).message }, "Temporal's own metrics could not be read");
      return '';
    }
  };
}
