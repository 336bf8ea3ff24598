/** What the MCP server did: nothing with side effects twice without a person's word, nothing that nobody asked for. */
import type { Facts } from './facts.ts';

/** The workshop's tools that say that they may be repeated. */
const REPEATABLE = ['look', 'put'];

export function checkExecutions({ runs, cases, executions }: Facts): string[] {
  const retried = new Set(
    cases.flatMap(({ answered }) => answered.filter(({ content }) => content === 'retry').map((it) => it.request_id)),
  );
  const allowed = new Map<string, number>();
  const done = new Map<string, string>();
  for (const { events } of runs.values()) {
    for (const { type, data } of events) {
      if (type === 'tool.call' && String(data.name).startsWith('effects/')) allowed.set(String(data.call_id), 1);
      if (type === 'tool.result') done.set(String(data.call_id), String(data.status));
      if (type !== 'run.waiting_for_input' || !retried.has(String(data.request_id))) continue;
      for (const { call_id } of data.tool_calls as { call_id: string }[])
        allowed.set(call_id, (allowed.get(call_id) ?? 1) + 1);
    }
  }
  const begun = Map.groupBy(
    executions.filter(({ state }) => state === 'begun'),
    ({ call_id }) => call_id,
  );
  const unasked = [...begun.keys()].filter((id) => !allowed.has(id)).map((id) => `${id} was executed and never called`);
  const twice = [...begun].flatMap(([id, all]) => {
    const isRepeatable = REPEATABLE.includes(all[0]?.tool ?? '');
    const most = isRepeatable ? Number.POSITIVE_INFINITY : (allowed.get(id) ?? 1);
    return all.length > most ? [`${id} (${all[0]?.tool}) was executed ${all.length} times, ${most} allowed`] : [];
  });
  const undone = [...allowed.keys()].filter((id) => done.get(id) === 'ok' && !begun.has(id));
  return [...unasked, ...twice, ...undone.map((id) => `${id} has a result and was never executed`)];
}
