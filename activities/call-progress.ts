/** What a tool says of its progress, on its way to the readers. */
import type { Logger } from 'pino';
import { isHoldfastError } from '../src/errors.ts';
import type { Journal } from '../src/journal/journal.ts';
import type { Lease } from '../src/journal/transactions/begin-turn.ts';
import { DeltaWriter } from './delta-writer.ts';

export type CallProgress = {
  /** What comes while as much gathers as may is not shown: a tool does not wait for its progress. */
  report(data: Record<string, unknown>): void;
  /** Waits until what was reported is committed, or is known to be lost. Throws where the lease is. */
  flush(): Promise<void>;
};

/** The lease is another's, or its run is gone. */
const LEASE_LOST = ['steps.superseded', 'runs.not_found'];

/**
 * `onLeaseLost`: the call must stop. A journal that cannot take the progress any more is no reason for that: what the tool does is not
 * undone by it. The log says so, and what is reported from then on is not shown.
 */
export function openProgress(options: {
  write: Journal['write'];
  lease: Lease;
  call_id: string;
  onLeaseLost: () => void;
  log: Logger;
}): CallProgress {
  const { lease, call_id, log } = options;
  let failed: 'lease' | 'journal' | undefined;
  let isFull = false;
  const writer = new DeltaWriter(options.write, lease, (error) => {
    failed = LEASE_LOST.some((code) => isHoldfastError(error, code)) ? 'lease' : 'journal';
    if (failed === 'lease') return options.onLeaseLost();
    log.warn({ run_id: lease.run_id, call_id, err: error }, 'the progress of a call is not shown from here on');
  });
  return {
    report(data) {
      if (failed !== undefined || isFull) return;
      const written = writer.push('tool.progress', { call_id, ...data });
      if (!written) return;
      isFull = true;
      void written.then(() => {
        isFull = false;
      });
    },
    async flush() {
      try {
        await writer.flush();
      } catch (error) {
        if (failed !== 'journal') throw error;
      }
    },
  };
}
