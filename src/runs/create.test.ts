/** A run's budget can only tighten its persona's. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestHoldfast } from '../../test/support/holdfast.ts';

let harness: Awaited<ReturnType<typeof openTestHoldfast>>;
beforeAll(async () => {
  harness = await openTestHoldfast();
  const persona = { key: 'strict', tools: ['ask_user'], budget: { max_turns: 3, on_exceeded: 'fail' } };
  expect((await harness.send('POST', '/v1/personas', { body: persona })).status).toBe(201);
});
afterAll(async () => {
  await harness.close();
});

it.each([
  ['budget.max_turns', { max_turns: 4 }],
  ['budget.on_exceeded', { on_exceeded: 'ask' }],
  ['budget.max_cost_usd', { max_cost_usd: 1 }],
])('%s cannot be loosened, nor promise what cannot be kept', async (path, budget) => {
  const refused = await harness.send('POST', '/v1/runs', { body: { persona_id: 'strict', input: 'x', budget } });
  expect([refused.status, await refused.json()]).toMatchObject([
    422,
    { code: 'validation.failed', details: { issues: [{ path }] } },
  ]);
});

it('a tighter one is taken', async () => {
  const body = { persona_id: 'strict', input: 'x', budget: { max_turns: 2, max_tokens: 100 } };
  const { run_id } = (await (await harness.send('POST', '/v1/runs', { body })).json()) as { run_id: string };
  const details = (await (await harness.send('GET', `/v1/runs/${run_id}`)).json()) as { budget: object };
  expect(details.budget).toEqual({ max_turns: 2, max_tokens: 100, on_exceeded: 'fail' });
});

it('a model that its route does not serve is refused', async () => {
  const refused = await harness.send('POST', '/v1/runs', { body: { route_id: 'demo', model: 'gpt-5', input: 'x' } });
  expect(refused.status).toBe(422);
});
