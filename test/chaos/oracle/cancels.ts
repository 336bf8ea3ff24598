/** A cancelled run has stopped work: no answer of a model and no tool of it goes on, unless its last event names it. */
import type { Plan } from '../plan.ts';
import type { Facts, StoredRun } from './facts.ts';
import { plansOf } from './plans.ts';

/** From the commit of `run.cancelled` to the line in a log: two clocks of one machine, and a request on its way. */
const SLACK_MS = 1_000;
const THAW_MS = 200;

export function checkCancels(facts: Facts): string[] {
  const plans = plansOf(facts);
  const cancelled = [...facts.runs.values()].filter(({ status }) => status === 'cancelled');
  return cancelled.flatMap((run) => [...modelsAfter(facts, run, plans.get(run.run_id)), ...toolsAfter(facts, run)]);
}

function modelsAfter({ provider, struck }: Facts, run: StoredRun, plan: Plan | undefined): string[] {
  const end = endOf(run);
  // What came while it was frozen, and was broken off before, it reads when it is thawed.
  const thaws = struck.filter(({ kind, target, began }) => kind === 'freeze' && target === 'provider' && began < end);
  const isStale = (at: number) => thaws.some(({ ended }) => at >= ended - THAW_MS && at < ended + THAW_MS);
  const late = provider.filter(
    (line) => line.plan === plan?.plan && line.state === 'begun' && line.at > end + SLACK_MS && !isStale(line.at),
  );
  return late.map(({ turn, at }) => `${run.run_id}: turn ${turn} was asked for ${at - end} ms after its end`);
}

function toolsAfter({ executions }: Facts, run: StoredRun): string[] {
  const named = (run.events.at(-1)?.data.unfinished ?? []) as { call_id: string }[];
  const unfinished = new Set(named.map(({ call_id }) => call_id));
  const own = new Set(run.events.filter(({ type }) => type === 'tool.call').map(({ data }) => String(data.call_id)));
  const end = endOf(run);
  return executions
    .filter(({ call_id, at }) => own.has(call_id) && at > end + SLACK_MS && !unfinished.has(call_id))
    .map(
      ({ tool, state, at }) =>
        `${run.run_id}: ${tool} has ${state} ${at - end} ms after its end, which does not name it`,
    );
}

const endOf = ({ events }: StoredRun) => Date.parse(events.at(-1)?.created_at ?? '');
