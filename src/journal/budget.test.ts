/** Budgets: checked before each step; spent, the run fails or a person is asked. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ClockedJournal,
  NO_TOKENS,
  openClockedJournal,
  question,
  ROUTE,
  type RunIds,
  serverCall,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import { checkHistory, types } from '../../test/support/events.ts';
import type { Budget } from '../runs/types.ts';
import { specOf } from './run-row.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

/** A run that has taken one turn of 60 tokens, 0.5 USD and 10 s, and called a tool that has answered. */
async function afterOneTurn(budget: Budget): Promise<RunIds> {
  const run = await journal.create({ budget });
  const lease = await journal.lease(run);
  const usage = { ...NO_TOKENS, input_tokens: 40, output_tokens: 20 };
  await journal.write('completeTurn', turnOf(lease, { calls: [serverCall('look')], usage, cost_usd: 0.5 }));
  const call = await journal.beginCall(run);
  journal.pass(10_000);
  await journal.completeCall(call);
  return run;
}

describe.each<[string, Budget, Budget]>([
  ['turns', { max_turns: 1 }, { max_turns: 2 }],
  ['tokens', { max_tokens: 60 }, { max_tokens: 61 }],
  ['cost', { max_cost_usd: 0.5 }, { max_cost_usd: 0.51 }],
  ['time', { timeout_s: 10 }, { timeout_s: 11 }],
])('a budget of %s', (_what, spent, enough) => {
  const limit = Object.keys(spent)[0] as string;

  it('stops the step that would pass it, with budget.exceeded naming the limit', async () => {
    const run = await afterOneTurn(spent);
    const stopped = await journal.begin(run, 2);
    expect(stopped).toMatchObject({ outcome: { outcome: 'ended', status: 'failed', code: 'budget.exceeded' } });
    const events = await journal.events(run);
    checkHistory(events);
    expect(events.at(-1)?.data).toMatchObject({ error: { message: expect.stringContaining(limit) } });
    expect(types(events).filter((type) => type === 'turn.started')).toHaveLength(1);
  });

  it('lets a step begin that it allows', async () => {
    expect((await journal.begin(await afterOneTurn(enough), 2)).begun).toBe(true);
  });

  it('asks a person where it is told to, and goes on after raise', async () => {
    const run = await afterOneTurn({ ...spent, on_exceeded: 'ask' });
    const asked = await journal.begin(run, 2);
    const [request] = await journal.requests(run);
    const waits = [[request?.id, request?.expires_at, 'budget']];
    expect(asked).toEqual({ begun: false, outcome: { outcome: 'wait', waits } });
    expect((await journal.row(run)).status).toBe('waiting_for_input');
    expect(request?.kind).toBe('budget');
    // Asked again, as after a worker's death, it is the same request.
    expect(await journal.begin(run, 2)).toEqual(asked);

    journal.pass(50_000);
    await journal.answer(run, { content: 'raise' });
    const doubled = { [limit]: (Object.values(spent)[0] as number) * 2 };
    expect(specOf(await journal.row(run)).budget).toMatchObject(doubled);
    expect((await journal.begin(run, 2)).begun).toBe(true);
  });
});

describe('a person who is asked for more budget', () => {
  const ask: Budget = { max_turns: 1, on_exceeded: 'ask' };

  it('raises the limits she names', async () => {
    const run = await afterOneTurn(ask);
    await journal.begin(run, 2);
    await journal.answer(run, { content: 'raise {"max_turns": 7}' });
    expect(specOf(await journal.row(run)).budget).toEqual({ max_turns: 7, on_exceeded: 'ask' });
    expect((await journal.begin(run, 2)).begun).toBe(true);
  });

  it.each(['raise {"max_tokens": 1000}', 'raise {"max_turns": 1}', 'raise {"max_turns": 2.5}'])(
    'is told that %s raises nothing, and the request stays open',
    async (content) => {
      const run = await afterOneTurn(ask);
      await journal.begin(run, 2);
      await expect(journal.answer(run, { content })).rejects.toMatchObject({ code: 'validation.failed' });
      expect(await journal.begin(run, 2)).toMatchObject({ outcome: { outcome: 'wait' } });
      expect(await journal.requests(run)).toHaveLength(1);
    },
  );

  it('raises it any number of times', async () => {
    const run = await afterOneTurn(ask);
    for (let turn = 2; turn < 20; turn++) {
      const begun = await journal.begin(run, turn);
      if (!begun.begun) await journal.answer(run, { content: 'raise' });
      await journal.turnWith(run, [question('Which?')], turn);
      await journal.answer(run, { content: 'blue' });
    }
    const asked = (await journal.requests(run)).filter((request) => request.kind === 'budget');
    expect(asked).toHaveLength(5);
    expect(specOf(await journal.row(run)).budget.max_turns).toBe(32);
  });

  it('ends the run with stop', async () => {
    const run = await afterOneTurn(ask);
    await journal.begin(run, 2);
    await journal.answer(run, { content: 'stop' });
    const stopped = await journal.begin(run, 2);
    expect(stopped).toMatchObject({ outcome: { outcome: 'ended', status: 'failed', code: 'budget.exceeded' } });
    checkHistory(await journal.events(run));
  });

  it.each(['yes', 'raise lots', 'raise {"max_turns": 0}', 'raise {"max_friends": 3}', 'raise {}', 'raise {"a"'])(
    'is told that %s is no answer, and the request stays open',
    async (content) => {
      const run = await afterOneTurn(ask);
      await journal.begin(run, 2);
      await expect(journal.answer(run, { content })).rejects.toMatchObject({ code: 'validation.failed' });
      expect((await journal.requests(run))[0]?.state).toBe('open');
      expect(await journal.outbox(run)).toEqual([]);
    },
  );
});

describe('a lost attempt', () => {
  it('is charged once, also when a person is asked for more meanwhile', async () => {
    const input = [{ type: 'text' as const, text: 'hi '.repeat(40) }];
    const run = await journal.create({ budget: { max_tokens: 5, on_exceeded: 'ask' } }, { input });
    await journal.lease(run);
    await journal.begin(run);
    const charged = (await journal.row(run)).input_tokens;
    expect(charged).toBeGreaterThan(0);
    await journal.answer(run, { content: 'raise {"max_tokens": 1000}' });
    await journal.lease(run);
    expect((await journal.row(run)).input_tokens).toBe(charged);
    expect((await journal.events(run)).find((event) => event.type === 'message.reset')?.data.reason).toBe(
      'worker_lost',
    );
  });

  it("is charged no more than its route's context", async () => {
    const run = await journal.create({}, { input: [{ type: 'text', text: 'x'.repeat(400_000) }] });
    await journal.lease(run);
    const route = { ...ROUTE, context_tokens: 1_000 };
    await journal.write('beginTurn', { ...run, turn: 1, route, temporal_run_id: '' });
    expect((await journal.row(run)).input_tokens).toBe(1_000);
  });
});

describe('a budget of time', () => {
  it('is told to a call in whole milliseconds', async () => {
    const run = await journal.create({ budget: { timeout_s: 1.23456 } });
    await journal.turnWith(run, [serverCall('look')]);
    journal.pass(7);
    expect(await journal.write('beginCall', { ...run, turn: 1, idx: 0 })).toMatchObject({ time_left_ms: 1_228 });
  });

  it('does not run while the run waits for its human', async () => {
    const run = await journal.create({ budget: { timeout_s: 60 } });
    await journal.turnWith(run, [question('Which?')]);
    journal.pass(3_000_000);
    await journal.answer(run, { content: 'blue' });
    expect((await journal.begin(run, 2)).begun).toBe(true);
  });
});

describe('a budget of tokens', () => {
  it('counts attempts that were void', async () => {
    const run = await journal.create({ budget: { max_tokens: 100 } });
    const lease = await journal.lease(run);
    await journal.write('failAttempt', {
      ...{ lease, release: 'provider_error', events: [], usage: { ...NO_TOKENS, output_tokens: 100 }, cost_usd: 0 },
      ...{ error: { code: 'provider.unavailable', message: '', retryable: true }, retries: 5, fallback: null },
    });
    expect(await journal.begin(run)).toMatchObject({ outcome: { code: 'budget.exceeded' } });
  });
});
