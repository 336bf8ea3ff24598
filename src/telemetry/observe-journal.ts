/** A journal that tells what it does: the time of every transaction, the runs that began and ended, and spans of what a traced step wrote. */
import type { Logger } from 'pino';
import { HoldfastError } from '../errors.ts';
import type { Journal, StoredEvent } from '../journal/journal.ts';
import type { TransactionArgs, TransactionName, TransactionResult } from '../journal/transactions/index.ts';
import { isTerminalEvent } from '../runs/event-frames.ts';
import type { Metrics } from './metrics.ts';
import { recordRun } from './run-span.ts';
import type { Telemetry } from './telemetry.ts';
import { acceptedSpanId, newSpanId, preciseNow, type Tracing } from './tracing.ts';

/** A stream appends many times a second: its deltas are counted, and have no spans. */
const UNTRACED: ReadonlySet<TransactionName> = new Set(['appendDeltas']);

const MS_PER_SECOND = 1_000;

export function observeJournal<J extends Journal>(journal: J, { metrics, tracing }: Telemetry, log: Logger): J {
  journal.onAppended(({ run_id, events = [], elsewhere }) => {
    if (elsewhere) return;
    metrics.eventsAppended.inc(events.length);
    for (const event of events) {
      if (event.type === 'run.started') metrics.runsStarted.inc();
      else if (isTerminalEvent(event.type)) runEnded(journal, run_id, event, { metrics, tracing }, log);
    }
  });
  return {
    ...journal,
    async write<N extends TransactionName>(name: N, args: TransactionArgs<N>): Promise<TransactionResult<N>> {
      const started = preciseNow();
      let outcome = 'ok';
      let accepted: Accepted | undefined;
      try {
        const result = await journal.write(name, args);
        accepted = acceptedBy(name, result);
        return result;
      } catch (error) {
        outcome = outcomeOf(error);
        throw error;
      } finally {
        const ended = preciseNow();
        metrics.commitSeconds.observe({ transaction: name, outcome }, (ended - started) / MS_PER_SECOND);
        if (accepted) log.debug(accepted, 'a run was accepted');
        if (tracing.on && !UNTRACED.has(name)) recordWrite(tracing, { name, outcome, started, ended }, accepted);
      }
    },
  };
}

function runEnded(
  journal: Journal,
  run_id: string,
  event: StoredEvent,
  { metrics, tracing }: { metrics: Metrics; tracing: Tracing },
  log: Logger,
): void {
  const status = event.type.slice('run.'.length);
  const { duration_ms, error } = JSON.parse(event.data) as { duration_ms: number; error?: { code: string } };
  metrics.runsEnded.inc({ status });
  metrics.runSeconds.observe({ status }, duration_ms / MS_PER_SECOND);
  log.debug({ run_id, status, duration_ms, ...(error ? { code: error.code } : {}) }, 'a run ended');
  if (!tracing.on) return;
  recordRun(journal, tracing, run_id).catch((thrown: Error) =>
    log.warn({ run_id, error: thrown.message }, 'the span of a run was not made'),
  );
}

type Accepted = { run_id: string; trace_id: string };

function acceptedBy(name: TransactionName, result: unknown): Accepted | undefined {
  if (name !== 'createRun') return undefined;
  const { value, replayed } = result as TransactionResult<'createRun'>;
  return replayed ? undefined : { run_id: value.run_id, trace_id: value.trace_id };
}

/** `refused`: as the contract has it, nothing is wrong. */
function outcomeOf(error: unknown): 'refused' | 'unavailable' | 'failed' {
  if (!(error instanceof HoldfastError)) return 'failed';
  return error.code.startsWith('journal.') ? 'unavailable' : 'refused';
}

function recordWrite(
  tracing: Tracing,
  write: { name: TransactionName; outcome: string; started: number; ended: number },
  accepted: Accepted | undefined,
): void {
  const above = tracing.current();
  if (!above) return;
  const { name, outcome, started, ended } = write;
  tracing.record({
    name: `journal ${name}`,
    kind: 'client',
    place: { trace_id: above.trace_id, span_id: accepted ? acceptedSpanId(accepted.run_id) : newSpanId() },
    parent: above.span_id,
    ...{ started, ended },
    attributes: { 'holdfast.outcome': outcome, 'holdfast.run_id': accepted?.run_id },
    error: outcome === 'ok' || outcome === 'refused' ? undefined : outcome,
  });
}
