/** What the MCP server did: nothing with side effects twice without a person's word, nothing that nobody asked for. */
import type { Facts } from './facts.ts';

/** The workshop's tools that say that they may be repeated. */
const REPEATABLE = ['look', 'put'];

/** How often a call may be executed, and whether it must have been. */
type Told = { most: number; least: number };

export function checkExecutions(facts: Facts): string[] {
  const told = callsOf(facts);
  const begun = facts.executions.filter(({ state }) => state === 'begun');
  const byCall = Map.groupBy(begun, ({ call_id }) => call_id);
  const wrong = [...byCall].flatMap(([id, { length, 0: first }]) => {
    const call = told.get(id);
    if (!call) return [`${id} was executed and never called`];
    if (length <= call.most || REPEATABLE.includes(first?.tool ?? '')) return [];
    return [`${id} (${first?.tool}) was executed ${length} times, ${call.most} allowed`];
  });
  const undone = [...told].filter(([id, { least }]) => (byCall.get(id)?.length ?? 0) < least);
  return [...wrong, ...undone.map(([id]) => `${id} has a result and was never executed`)];
}

/** Every call of the MCP server's tools: once, and once more for each time that a person said so. */
function callsOf({ runs, cases }: Facts): Map<string, Told> {
  const answers = new Map(cases.flatMap(({ answered }) => answered.map((it) => [it.request_id, it.content] as const)));
  const told = new Map<string, Told>();
  const given = new Set<string>();
  for (const { type, data } of [...runs.values()].flatMap((run) => run.events)) {
    const id = String(data.call_id);
    if (type === 'tool.call' && String(data.name).startsWith('effects/')) told.set(id, { most: 1, least: 0 });
    const call = told.get(id);
    if (type === 'tool.result' && call && data.status === 'ok' && !given.has(id)) call.least = 1;
    if (type !== 'run.waiting_for_input' || data.kind !== 'unknown_outcome') continue;
    const answer = answers.get(String(data.request_id)) ?? '';
    for (const { call_id } of data.tool_calls as { call_id: string }[]) {
      const asked = told.get(call_id);
      if (asked && answer === 'retry') asked.most++;
      // The person said what came of it, without a look.
      if (answer.startsWith('result:')) given.add(call_id);
    }
  }
  return told;
}
