import type { Journal } from '../journal/journal.ts';
import { acceptedSpanId, runSpanId, type Tracing } from './tracing.ts';

/**
 * Makes the span of a run that has ended: from its acceptance to its end, waiting included. It is below the transaction that accepted
 * it, a child's below its parent's run. The run's row is the operator's here, not a tenant's: nothing of it is answered to anyone.
 */
export async function recordRun({ db }: Pick<Journal, 'db'>, tracing: Tracing, runId: string): Promise<void> {
  const run = await db
    .selectFrom('runs')
    .select(['trace_id', 'parent_run_id', 'status', 'route_id', 'error_code', 'created_at', 'last_event_at'])
    .select(['input_tokens', 'output_tokens'])
    .where('id', '=', runId)
    .executeTakeFirst();
  if (!run) return;
  tracing.record({
    name: 'run',
    kind: 'internal',
    place: { trace_id: run.trace_id, span_id: runSpanId(runId) },
    parent: run.parent_run_id === null ? acceptedSpanId(runId) : runSpanId(run.parent_run_id),
    started: run.created_at,
    ended: run.last_event_at,
    attributes: {
      'holdfast.run_id': runId,
      'holdfast.status': run.status,
      'holdfast.route': run.route_id,
      'temporal.workflow_id': runId,
      'gen_ai.usage.input_tokens': run.input_tokens,
      'gen_ai.usage.output_tokens': run.output_tokens,
    },
    error: run.error_code ?? undefined,
  });
}
