/** Watches the steps of runs and the tools they use. */
import { CancelledFailure } from '@temporalio/common';
import type { Journal } from '../journal/journal.ts';
import type { RunRef } from '../runs/outcomes.ts';
import { type Tool, ToolCancelled, type ToolOutcome } from '../tools/tool.ts';
import type { Telemetry } from './telemetry.ts';
import { preciseNow, runSpanId } from './tracing.ts';

const MS_PER_SECOND = 1_000;

export type StepName = 'modelTurn' | 'toolCall' | 'finishRun' | 'loadRun' | 'expireInput';

/** Runs one attempt at a step: counted, timed, and a span below the run's. What `work` throws is thrown. */
export async function observeStep<T extends { outcome: string }>(
  { metrics, tracing }: Telemetry,
  journal: Pick<Journal, 'db'>,
  step: { name: StepName; run: RunRef; attempt: number },
  work: () => Promise<T>,
): Promise<T> {
  const { name, run, attempt } = step;
  const started = preciseNow();
  let outcome = 'failed';
  const timed = async (): Promise<T> => {
    try {
      const result = await work();
      outcome = result.outcome;
      return result;
    } catch (error) {
      if (error instanceof CancelledFailure) outcome = 'cancelled';
      throw error;
    }
  };
  metrics.stepsRunning.inc({ step: name });
  try {
    const trace_id = tracing.on ? await traceOf(journal, run) : undefined;
    if (trace_id === undefined) return await timed();
    return await tracing.span({ name, kind: 'internal', trace_id, parent: runSpanId(run.run_id) }, async (span) => {
      try {
        return await timed();
      } finally {
        span.attributes = {
          'holdfast.run_id': run.run_id,
          'holdfast.outcome': outcome,
          'temporal.activity.attempt': attempt,
        };
      }
    });
  } finally {
    metrics.stepsRunning.dec({ step: name });
    metrics.stepSeconds.observe({ step: name, outcome }, (preciseNow() - started) / MS_PER_SECOND);
  }
}

async function traceOf({ db }: Pick<Journal, 'db'>, { org_id, run_id }: RunRef): Promise<string | undefined> {
  const run = await db
    .selectFrom('runs')
    .select('trace_id')
    .where('id', '=', run_id)
    .where('org_id', '=', org_id)
    .executeTakeFirst();
  return run?.trace_id;
}

/** Executes a tool: timed, and a span that names the tool. */
export async function observeTool(
  { metrics, tracing }: Telemetry,
  tool: Tool,
  execute: () => Promise<ToolOutcome>,
): Promise<ToolOutcome> {
  const started = preciseNow();
  let outcome = 'failed';
  const timed = async (): Promise<ToolOutcome> => {
    try {
      const result = await execute();
      outcome = result.status;
      return result;
    } catch (error) {
      if (error instanceof ToolCancelled) outcome = 'cancelled';
      throw error;
    } finally {
      metrics.toolSeconds.observe({ kind: tool.kind, outcome }, (preciseNow() - started) / MS_PER_SECOND);
    }
  };
  const above = tracing.current();
  if (!above) return await timed();
  return await tracing.span(
    { name: `tool ${tool.name}`, kind: 'client', trace_id: above.trace_id, parent: above.span_id },
    async (span) => {
      try {
        return await timed();
      } finally {
        span.attributes = { 'holdfast.tool': tool.name, 'holdfast.tool_kind': tool.kind, 'holdfast.outcome': outcome };
        if (outcome !== 'ok' && outcome !== 'cancelled') span.error = outcome;
      }
    },
  );
}
