/** A parent's budget bounds its children's: together they are never given more than it has left. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALLER,
  type ClockedJournal,
  createArgs,
  NO_TOKENS,
  openClockedJournal,
  question,
  ROUTE,
  type RunIds,
  specWith,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import type { Budget } from '../runs/types.ts';
import type { TurnCall } from './open-calls.ts';
import { specOf } from './run-row.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const task = (): TurnCall => ({ kind: 'agent', offered: true, name: 'run_agent', arguments: {}, may_repeat: true });

/** A run whose first turn, of 60 tokens and half a dollar, calls so many agents. */
async function parentOf(agents: number, budget: Budget): Promise<RunIds> {
  const run = await journal.create({ budget });
  const usage = { ...NO_TOKENS, input_tokens: 40, output_tokens: 20 };
  const calls = Array.from({ length: agents }, task);
  await journal.write('completeTurn', turnOf(await journal.lease(run), { calls, usage, cost_usd: 0.5 }));
  return run;
}

async function begin(run: RunIds, idx: number, budget: Budget = {}, turn = 1) {
  const begun = await journal.write('beginCall', { ...run, turn, idx });
  if (!begun.begun) return begun.outcome;
  const { persona_id, metadata, input } = createArgs();
  return await journal.write('createChild', {
    ...{ lease: begun.lease, call_id: begun.call.call_id, turn, active_limit: null },
    child: { persona_id, metadata, input, route: ROUTE, spec: specWith({ budget }) },
  });
}

/** Makes the child of the call, and gives it as it is named to the engine. */
async function childOf(run: RunIds, idx: number, budget: Budget = {}, turn = 1): Promise<RunIds> {
  const outcome = await begin(run, idx, budget, turn);
  if (outcome.outcome !== 'child') throw new Error(JSON.stringify(outcome));
  return { org_id: 'org_a', epoch: 0, run_id: outcome.child.run_id, thread_id: outcome.child.thread_id };
}

async function end(child: RunIds, tokens: number, cost: number | null = 0): Promise<void> {
  const usage = { ...NO_TOKENS, output_tokens: tokens };
  await journal.write('completeTurn', turnOf(await journal.lease(child), { usage, cost_usd: cost }));
}

const budgetOf = async (run: RunIds) => specOf(await journal.row(run)).budget;
const resultsOf = async (run: RunIds) =>
  (await journal.events(run)).filter((event) => event.type === 'tool.result').map((event) => event.data);

describe('what a child is given', () => {
  it('is its own budget where its parent has none', async () => {
    const run = await parentOf(1, {});
    expect(await budgetOf(await childOf(run, 0, { max_tokens: 500, on_exceeded: 'ask' }))).toEqual({
      max_tokens: 500,
      on_exceeded: 'ask',
    });
  });

  it('is divided evenly among those that have none yet, whoever has ended meanwhile', async () => {
    const run = await parentOf(3, { max_tokens: 360, max_cost_usd: 3.5 });
    const first = await childOf(run, 0);
    expect(await budgetOf(first)).toMatchObject({ max_tokens: 100, max_cost_usd: 1 });
    await end(first, 20, 0.1);
    // It has ended, and its parent has not counted it yet: what it was given is still taken.
    expect(await budgetOf(await childOf(run, 1))).toMatchObject({ max_tokens: 100, max_cost_usd: 1 });
    await journal.write('beginCall', { ...run, turn: 1, idx: 0 });
    // 300 left, less 20 used, less 100 given.
    expect(await budgetOf(await childOf(run, 2))).toMatchObject({ max_tokens: 180, max_cost_usd: 1.9 });
  });

  it('of time and turns is all that is left, for they pass side by side', async () => {
    const run = await parentOf(2, { timeout_s: 100, max_turns: 5 });
    journal.pass(30_000);
    expect(await budgetOf(await childOf(run, 0))).toMatchObject({ timeout_s: 70, max_turns: 4 });
    expect(await budgetOf(await childOf(run, 1, { timeout_s: 10, max_turns: 9 }))).toMatchObject({
      timeout_s: 10,
      max_turns: 4,
    });
  });

  it('is nothing where nothing is left, and then it is not started', async () => {
    const run = await parentOf(1, { max_turns: 1 });
    expect(await begin(run, 0)).toEqual({ outcome: 'done' });
    expect(await resultsOf(run)).toMatchObject([{ status: 'error', output: expect.stringContaining('max_turns') }]);
  });

  it('cannot be raised by a person beyond what the parent gave', async () => {
    const run = await parentOf(1, { max_turns: 4 });
    const child = await childOf(run, 0, { max_turns: 1, on_exceeded: 'ask' });
    await journal.turnWith(child, [{ ...task(), kind: 'timer', name: 'wait', wait: { ms: 0 } }]);
    expect(await journal.begin(child, 2)).toMatchObject({ outcome: { outcome: 'wait' } });
    await expect(journal.answer(child, { content: 'raise {"max_turns": 4}' })).rejects.toMatchObject({
      code: 'validation.failed',
      message: expect.stringContaining('parent'),
    });
    await journal.answer(child, { content: 'raise {"max_turns": 3}' });
    expect(await budgetOf(child)).toMatchObject({ max_turns: 3 });
    for (const turn of [2, 3]) {
      await journal.turnWith(child, [{ ...task(), kind: 'timer', name: 'wait', wait: { ms: 0 } }], turn);
    }
    expect(await journal.begin(child, 4)).toMatchObject({ outcome: { status: 'failed', code: 'budget.exceeded' } });
  });
});

describe('a child that asks for more', () => {
  const asking = (limit: Budget) => ({ ...limit, on_exceeded: 'ask' as const });
  const sleep = { ...task(), kind: 'timer' as const, name: 'wait', wait: { ms: 0 } };

  it('is offered no more than its parent gave', async () => {
    const run = await parentOf(1, { max_turns: 4 });
    const child = await childOf(run, 0, asking({ max_turns: 2 }));
    for (const turn of [1, 2]) await journal.turnWith(child, [sleep], turn);
    await journal.begin(child, 3);
    const [request] = await journal.requests(child);
    const offered = (JSON.parse(request?.options ?? '[]') as string[])[2] as string;
    expect(offered).toBe('raise {"max_turns": 3}');
    await journal.answer(child, { content: offered });
    expect((await journal.begin(child, 3)).begun).toBe(true);
  });

  it('asks nothing that no raise can answer', async () => {
    const run = await parentOf(1, { max_tokens: 160 });
    const child = await childOf(run, 0, asking({ max_tokens: 50 }));
    const usage = { ...NO_TOKENS, output_tokens: 120 };
    await journal.write('completeTurn', turnOf(await journal.lease(child), { usage, calls: [sleep] }));
    expect(await journal.begin(child, 2)).toMatchObject({ outcome: { status: 'failed', code: 'budget.exceeded' } });
  });
});

describe('what a child used', () => {
  it('counts for its parent once it has ended, and only then', async () => {
    const run = await parentOf(1, { max_tokens: 100, max_cost_usd: 5 });
    const child = await childOf(run, 0);
    expect(await journal.write('beginCall', { ...run, turn: 1, idx: 0 })).toMatchObject({
      outcome: { outcome: 'child', child: { run_id: child.run_id } },
    });
    await end(child, 40, 0.25);
    expect(await journal.outbox(run)).toEqual(['child']);
    expect(await journal.write('beginCall', { ...run, turn: 1, idx: 0 })).toMatchObject({
      outcome: { outcome: 'done' },
    });
    expect(await journal.outbox(run)).toEqual([]);
    expect(await journal.row(run)).toMatchObject({ children_tokens: 40, children_cost_usd: 0.25, cost_usd: 0.5 });
    expect(await journal.begin(run, 2)).toMatchObject({ outcome: { status: 'failed', code: 'budget.exceeded' } });
  });

  it('in dollars that nobody knows makes a limit in dollars count as reached', async () => {
    const run = await parentOf(1, { max_cost_usd: 5 });
    await end(await childOf(run, 0), 10, null);
    await journal.write('beginCall', { ...run, turn: 1, idx: 0 });
    expect(await journal.begin(run, 2)).toMatchObject({ outcome: { status: 'failed', code: 'budget.exceeded' } });
  });

  it('of waiting for its human is no time of its parent, and is counted once for what passed side by side', async () => {
    const run = await parentOf(2, { timeout_s: 100 });
    const children = [await childOf(run, 0), await childOf(run, 1)];
    for (const child of children) await journal.turnWith(child, [question('Which?')]);
    journal.pass(60_000);
    await journal.answer(children[0] as RunIds, { content: 'x' });
    journal.pass(20_000);
    await journal.answer(children[1] as RunIds, { content: 'x' });
    for (const [idx, child] of children.entries()) {
      await journal.write('completeTurn', turnOf(await journal.lease(child, 2), { turn: 2 }));
      await journal.write('beginCall', { ...run, turn: 1, idx });
    }
    expect((await journal.row(run)).waited_ms).toBe(80_000);
    journal.pass(90_000);
    expect((await journal.begin(run, 2)).begun).toBe(true);
  });
});

describe('what the children of a child used', () => {
  /** A child that has a child of its own, which used so much and waits. */
  async function grandchildOf(run: RunIds, turn: number, tokens: number): Promise<[child: RunIds, grandchild: RunIds]> {
    const child = await childOf(run, 0, {}, turn);
    await journal.turnWith(child, [task(), question('Which?')]);
    const grandchild = await childOf(child, 0);
    const usage = { ...NO_TOKENS, output_tokens: tokens };
    await journal.write('completeTurn', turnOf(await journal.lease(grandchild), { usage, calls: [question('x')] }));
    return [child, grandchild];
  }
  const cancelled = { as: { status: 'cancelled', reason: 'cancel_requested' } } as const;

  it('counts too where the child ended before it could count it, round after round', async () => {
    const run = await journal.create({ budget: { max_tokens: 250 } });
    for (let turn = 1; turn <= 2; turn++) {
      await journal.turnWith(run, [task()], turn);
      const [child, grandchild] = await grandchildOf(run, turn, 90);
      await journal.write('requestCancel', { caller: CALLER, run_id: child.run_id });
      await journal.write('finishRun', { ...grandchild, ...cancelled });
      await journal.write('finishRun', { ...child, ...cancelled });
      await journal.write('beginCall', { ...run, turn, idx: 0 });
      expect((await journal.row(run)).children_tokens).toBe(turn * 90);
    }
  });

  it('counts as all that it was given, while it is still at work', async () => {
    const run = await journal.create({ budget: { max_tokens: 200 } });
    await journal.turnWith(run, [task()]);
    const [child] = await grandchildOf(run, 1, 30);
    journal.pass(3_600_000);
    const [request] = await journal.requests(child);
    await journal.write('expireInput', { ...child, request_id: request?.id as string });
    await journal.write('beginCall', { ...run, turn: 1, idx: 0 });
    expect((await journal.row(run)).children_tokens).toBe(200);
  });
});

describe('a child', () => {
  it('keeps its thread until its parent has taken its answer', async () => {
    const run = await parentOf(1, {});
    const child = await childOf(run, 0);
    await end(child, 7);
    const deletion = { org_id: 'org_a', thread_id: child.thread_id };
    await expect(journal.write('deleteThread', deletion)).rejects.toMatchObject({ code: 'threads.busy' });
    expect(await begin(run, 0)).toEqual({ outcome: 'done' });
    expect((await journal.row(run)).children_tokens).toBe(7);
    await journal.write('deleteThread', deletion);
  });

  it('is not cancelled by an older copy of the workflow of its parent', async () => {
    const run = await parentOf(1, {});
    const child = await childOf(run, 0);
    await journal.lease(child);
    await journal.write('rebuildRun', run);
    await journal.write('cancelChildren', { org_id: run.org_id, run_id: run.run_id, epoch: 0 });
    expect((await journal.row(child)).status).toBe('running');
    await journal.write('cancelChildren', { org_id: run.org_id, run_id: run.run_id, epoch: 1 });
    expect((await journal.row(child)).status).toBe('cancelling');
  });

  it('that began already is resumed by whoever runs it again', async () => {
    const run = await parentOf(1, {});
    const first = await begin(run, 0);
    expect(first).toMatchObject({ outcome: 'child', child: { epoch: 0, resume: false } });
    const child = { org_id: 'org_a', epoch: 0, run_id: first.outcome === 'child' ? first.child.run_id : '' };
    await journal.lease(child);
    expect(await begin(run, 0)).toMatchObject({ child: { epoch: 0, resume: true } });
    await journal.write('rebuildRun', child);
    expect(await begin(run, 0)).toMatchObject({ child: { epoch: 1, resume: true } });
  });

  it('of a parent that ended meanwhile leaves nothing to be told', async () => {
    const run = await parentOf(1, {});
    const child = await childOf(run, 0);
    await journal.lease(child);
    await journal.write('finishRun', { ...run, as: { status: 'failed', code: 'engine.terminated', message: '' } });
    expect((await journal.row(child)).status).toBe('cancelling');
    await journal.write('finishRun', { ...child, as: { status: 'cancelled', reason: 'cancel_requested' } });
    expect(await journal.outbox(run)).toEqual([]);
    expect(await journal.outbox(child)).toEqual([]);
  });

  it('that has not begun ends with the cancel of its parent', async () => {
    const run = await parentOf(1, {});
    const child = await childOf(run, 0);
    const caller = { org_id: 'org_a', key_id: 'key_a', user_id: null };
    await journal.write('requestCancel', { caller, run_id: run.run_id });
    expect((await journal.row(child)).status).toBe('cancelled');
    expect((await journal.events(child)).map((event) => event.data.by ?? event.type)).toEqual([
      run.run_id,
      'run.cancelled',
    ]);
  });

  it('is started by the relay only when the workflow of its parent did not', async () => {
    const run = await parentOf(1, {});
    const child = await childOf(run, 0);
    await journal.write('beginTurn', { ...run, turn: 1, route: ROUTE, temporal_run_id: '' });
    const due = async () => (await journal.write('claimIntents', { limit: 10 })).map((intent) => intent.run_id);
    journal.pass(20_000);
    expect(await due()).toEqual([]);
    journal.pass(20_000);
    expect(await due()).toEqual([child.run_id]);
  });
});
