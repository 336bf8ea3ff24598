/** A parent's budget bounds its children's, seen from outside. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsToEnd } from '../support/events.ts';
import { createRun } from '../support/run-client.ts';
import { type AgentsStack, openAgentsStack, resultsOf, task } from './agents-stack.ts';

let stack: AgentsStack;
beforeAll(async () => {
  stack = await openAgentsStack();
});
afterAll(async () => {
  await stack.close();
});

describe("a parent's budget", () => {
  it('counts what its children use', async () => {
    const id = await stack.lead(`${task('/usage input=10 output=60\n/say Hello.')}\n/say never`, {
      budget: { max_tokens: 100 },
    });
    const events = await eventsToEnd(stack, id);
    const [child] = await stack.childrenOf(id);
    expect(child?.total_output_tokens).toBe(60);
    expect(events.at(-1)).toMatchObject({ type: 'run.completed' });
    const tight = await stack.lead(`${task('/usage input=10 output=5000\n/say Hello.')}\n/say never`, {
      budget: { max_tokens: 115 },
    });
    expect((await eventsToEnd(stack, tight)).at(-1)).toMatchObject({
      type: 'run.failed',
      data: { error: { code: 'budget.exceeded' } },
    });
  });

  it('is divided among children that work side by side', async () => {
    const id = await stack.lead(
      `/parallel\n${task('/stream chunks=500 delay_ms=0')}\n${task('/stream chunks=500 delay_ms=0')}\n`,
      {
        budget: { max_tokens: 300 },
      },
    );
    await eventsToEnd(stack, id);
    const used = (await stack.childrenOf(id)).map((run) => run.total_input_tokens + run.total_output_tokens);
    expect(used).toHaveLength(2);
    expect((used[0] as number) + (used[1] as number)).toBeLessThanOrEqual(300);
    for (const tokens of used) expect(tokens).toBeGreaterThan(50);
  });

  it('in dollars holds its children, and refuses one whose cost nobody would know', async () => {
    const unpriced = await createRun(stack, {
      persona_id: 'priced-lead',
      input: task('/say Hello.'),
      budget: { max_cost_usd: 1 },
    });
    expect(resultsOf(await eventsToEnd(stack, unpriced))).toMatchObject([
      { status: 'error', output: expect.stringContaining('no price') },
    ]);
    const priced = await createRun(stack, {
      persona_id: 'priced-lead',
      input: task('/stream chunks=500 delay_ms=0', 'priced-helper'),
      budget: { max_cost_usd: 0.1 },
    });
    await eventsToEnd(stack, priced);
    const [child] = await stack.childrenOf(priced);
    expect(child?.total_cost_usd).toBeGreaterThan(0.05);
    expect(child?.total_cost_usd).toBeLessThanOrEqual(0.1);
  });

  it('is not raised by a child: one that used up what it was given fails', async () => {
    const id = await stack.lead(task('/tool nothing {}\n/say never', 'asking'), { budget: { max_turns: 2 } });
    const child = await stack.childOf(id);
    expect((await eventsToEnd(stack, child)).at(-1)).toMatchObject({
      type: 'run.failed',
      data: { error: { code: 'budget.exceeded' } },
    });
  });
});
