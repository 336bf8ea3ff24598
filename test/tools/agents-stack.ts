/** A stack with personas that give their work to others, and a client that follows them. */
import type { RunRow } from '../../src/runs/types.ts';
import { eventsUntil, type SeenEvent } from '../support/events.ts';
import { createRun } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';

/** A line of a script that gives this task to another persona. */
export const task = (input: string, who = 'helper') => `/tool run_agent ${JSON.stringify({ persona: who, input })}`;

export const resultsOf = (events: SeenEvent[]) => events.filter((it) => it.type === 'tool.result').map((it) => it.data);

export type AgentsStack = Awaited<ReturnType<typeof openAgentsStack>>;

export async function openAgentsStack() {
  const stack: Stack = await openStack({
    routes: [
      { id: 'demo', provider: 'demo' },
      { id: 'priced', provider: 'demo', model: 'priced', price: { input: 0, output: 1000 } },
    ],
  });
  const persona = async (body: Record<string, unknown>): Promise<void> => {
    const response = await stack.send('POST', '/v1/personas', { body });
    if (response.status !== 201) throw new Error(await response.text());
  };
  await persona({ key: 'lead', tools: ['ask_user', 'run_agent', 'wait'] });
  await persona({ key: 'priced-lead', route_id: 'priced', tools: ['run_agent'] });
  await persona({ key: 'helper', tools: ['ask_user', 'run_agent', 'wait'] });
  await persona({ key: 'priced-helper', route_id: 'priced', tools: ['ask_user'] });
  await persona({ key: 'asking', tools: [], budget: { max_turns: 1, on_exceeded: 'ask' } });

  return {
    ...stack,
    persona,
    /** Starts a run of the persona that leads. */
    lead: (input: string, more: Record<string, unknown> = {}) =>
      createRun(stack, { persona_id: 'lead', input, ...more }),
    childrenOf: async (runId: string): Promise<RunRow[]> =>
      (await (await stack.send('GET', `/v1/runs?parent_run_id=${runId}`)).json()) as RunRow[],
    /** Waits for the parent's event that names its `count`-th child, and gives the child's id. */
    async childOf(runId: string, count = 1): Promise<string> {
      let seen = 0;
      const named = (event: SeenEvent) =>
        event.type === 'tool.progress' && event.data.run_id !== undefined && ++seen === count;
      return String((await eventsUntil(stack, runId, named)).at(-1)?.data.run_id);
    },
  };
}
