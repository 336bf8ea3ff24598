/** What was said: deltas add up to their message, and messages say what the plan has the model say. */
import type { SeenEvent } from '../../support/events.ts';
import { chunksOf, type Plan } from '../plan.ts';
import type { Facts, StoredRun } from './facts.ts';
import { plansOf } from './plans.ts';

export function checkTexts(facts: Facts): string[] {
  const plans = plansOf(facts);
  return [...facts.runs.values()].flatMap((run) => [...addUp(run), ...asPlanned(run, plans.get(run.run_id))]);
}

function addUp({ run_id, events }: StoredRun): string[] {
  const deltas = new Map<string, string>();
  const wrong: string[] = [];
  for (const { type, seq, data } of events) {
    const id = String(data.message_id);
    if (type === 'message.delta') deltas.set(id, (deltas.get(id) ?? '') + String(data.content));
    if (type === 'message.reset') deltas.delete(id);
    if (type === 'message.completed' && (deltas.get(id) ?? '') !== data.content)
      wrong.push(`${run_id}: event ${seq} completes what its deltas do not add up to`);
  }
  return wrong;
}

function asPlanned({ run_id, status, events }: StoredRun, plan: Plan | undefined): string[] {
  if (!plan) return [`${run_id}: nobody planned it`];
  const said = events.filter(({ type }) => type === 'message.completed');
  const wrong = said.filter(
    (event, turn) => event.data.content !== chunksOf(plan, turn, resultsBefore(events, event)).join(''),
  );
  const whole = said.length === plan.turns.length || status === 'cancelled';
  return [
    ...wrong.map(({ seq }) => `${run_id}: event ${seq} is not what its plan says`),
    ...(whole ? [] : [`${run_id}: ${said.length} turns of ${plan.turns.length}`]),
  ];
}

/** The results of all calls before `event`, in the order in which the model made the calls. */
function resultsBefore(events: SeenEvent[], { seq }: SeenEvent): string[] {
  const before = events.slice(0, seq - 1);
  const outputs = new Map(
    before.filter(({ type }) => type === 'tool.result').map(({ data }) => [data.call_id, String(data.output)]),
  );
  return before.filter(({ type }) => type === 'tool.call').map(({ data }) => outputs.get(data.call_id) ?? '');
}
