/** Two processes at one run: leases, messages, answers, calls, children and intents are decided once, whatever the order. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CALLER,
  createArgs,
  delta,
  question,
  ROUTE,
  type RunIds,
  specWith,
  turnOf,
} from '../../../test/support/clocked-journal.ts';
import { openRaces, outcomeOf, type Races } from '../../../test/support/race.ts';
import type { TurnCall } from '../open-calls.ts';

let races: Races;
beforeAll(async () => {
  races = await openRaces();
});
afterAll(() => races.close());

const begin = ({ org_id, run_id, epoch }: RunIds, turn = 1) => ({
  ...{ org_id, run_id, epoch, turn },
  ...{ route: ROUTE, temporal_run_id: '' },
});
const events = async (run: RunIds) =>
  (await races.db.selectFrom('events').selectAll().where('run_id', '=', run.run_id).orderBy('seq').execute()).map(
    ({ seq, type }) => [seq, type],
  );

describe('a worker that was frozen and appends', () => {
  it('while another is given its lease, writes nothing: it sees the lease as it is after the wait', async () => {
    const run = await races.create();
    const frozen = await races.lease(run);
    const late = await races.meet(
      (held) => held('beginTurn', begin(run)),
      () => races.write('appendDeltas', { lease: frozen, events: [delta('late')] }),
    );
    expect(outcomeOf(late)).toBe('steps.superseded');
    expect((await events(run)).map(([, type]) => type)).not.toContain('message.delta');
  });

  it('while the run ends, writes nothing', async () => {
    const run = await races.create();
    const lease = await races.lease(run);
    const late = await races.meet(
      (held) => held('completeTurn', turnOf(lease)),
      () => races.write('appendDeltas', { lease, events: [delta('late')] }),
    );
    expect(outcomeOf(late)).toBe('steps.superseded');
    expect((await events(run)).at(-1)).toEqual([4, 'run.completed']);
  });
});

describe('the times of events', () => {
  it('do not go back, though a transaction began before the one it waited for', async () => {
    const run = await races.create();
    const lease = await races.lease(run);
    const held = await races.hold();
    await held.query(`select 1 from runs where id = '${run.run_id}' for update`);
    const cancel = races.write('requestCancel', { caller: CALLER, run_id: run.run_id });
    await races.untilWaiting();
    await held.run('appendDeltas', { lease, events: [delta('first')] });
    await held.commit();
    await cancel;
    const rows = races.db.selectFrom('events').select(['type', 'created_at']).where('run_id', '=', run.run_id);
    const [said, requested] = (await rows.orderBy('seq').execute()).slice(-2);
    expect([said?.type, requested?.type]).toEqual(['message.delta', 'run.cancel_requested']);
    expect(requested?.created_at).toBeGreaterThanOrEqual(said?.created_at ?? Number.NaN);
  });
});

describe('two workers that begin one turn', () => {
  it('are given two attempts, one after the other', async () => {
    const run = await races.create();
    const second = await races.meet(
      (held) => held('beginTurn', begin(run)),
      () => races.lease(run),
    );
    expect(outcomeOf(second)).toMatchObject({ attempt: 2 });
    expect(await events(run)).toEqual([
      [1, 'run.started'],
      [2, 'turn.started'],
      [3, 'message.reset'],
      [4, 'turn.started'],
    ]);
  });
});

describe('a message to a run that is about to end', () => {
  const say = (run: RunIds) => ({
    ...{ org_id: 'org_a', run_id: run.run_id },
    content: [{ type: 'text' as const, text: 'and this' }],
  });

  it('is taken by one more turn when it was first', async () => {
    const run = await races.create();
    const lease = await races.lease(run);
    const end = await races.meet(
      (held) => held('addRunMessage', say(run)),
      () => races.write('completeTurn', turnOf(lease)),
    );
    expect(outcomeOf(end)).toMatchObject({ outcome: 'tools' });
    await races.lease(run, 2);
    expect((await events(run)).map(([, type]) => type)).toContain('message.received');
  });

  it('is refused when the end was first', async () => {
    const run = await races.create();
    const lease = await races.lease(run);
    const said = await races.meet(
      (held) => held('completeTurn', turnOf(lease)),
      () => races.write('addRunMessage', say(run)),
    );
    expect(outcomeOf(said)).toBe('runs.not_active');
  });
});

describe('two answers to one request', () => {
  it('one is taken, the other is stale', async () => {
    const run = await races.create();
    await races.write('completeTurn', turnOf(await races.lease(run), { calls: [question('Which?')] }));
    const { id } = await races.db
      .selectFrom('inputs')
      .select('id')
      .where('run_id', '=', run.run_id)
      .executeTakeFirstOrThrow();
    const answer = (content: string) => ({
      ...{ org_id: 'org_a', run_id: run.run_id },
      answer: { content, request_id: id },
    });
    const second = await races.meet(
      (held) => held('answerInput', answer('blue')),
      () => races.write('answerInput', answer('red')),
    );
    expect(outcomeOf(second)).toBe('runs.input_stale');
    expect((await events(run)).filter(([, type]) => type === 'tool.result')).toHaveLength(1);
  });
});

describe('children', () => {
  const task: TurnCall = { kind: 'agent', offered: true, name: 'run_agent', arguments: {}, may_repeat: true };

  async function callOf(parent: RunIds) {
    await races.write('completeTurn', turnOf(await races.lease(parent), { calls: [task] }));
    const begun = await races.write('beginCall', { ...parent, turn: 1, idx: 0 });
    if (!begun.begun) throw new Error('the call did not begin');
    const { persona_id, metadata, input } = createArgs();
    const child = { persona_id, metadata, input, route: ROUTE, spec: specWith() };
    return { lease: begun.lease, call_id: begun.call.call_id, turn: 1, active_limit: null, child };
  }

  const childrenOf = (parent: RunIds) =>
    races.db.selectFrom('runs').selectAll().where('parent_run_id', '=', parent.run_id).execute();

  it('of one call are made once, though two make them', async () => {
    const parent = await races.create();
    const call = await callOf(parent);
    const second = await races.meet(
      (held) => held('createChild', call),
      () => races.write('createChild', call),
    );
    expect(outcomeOf(second)).toBe('steps.superseded');
    expect(await childrenOf(parent)).toHaveLength(1);
  });

  it('that end while their parent is cancelled stay as they ended', async () => {
    const parent = await races.create();
    await races.write('createChild', await callOf(parent));
    const [child] = await childrenOf(parent);
    const ids: RunIds = { ...parent, run_id: child?.id ?? '', thread_id: child?.thread_id ?? '' };
    const lease = await races.lease(ids);
    const cancelled = await races.meet(
      (held) => held('completeTurn', turnOf(lease)),
      () => races.write('requestCancel', { caller: CALLER, run_id: parent.run_id }),
    );
    expect(outcomeOf(cancelled)).toMatchObject({ value: { ok: true } });
    expect([(await races.row(parent.run_id)).status, (await races.row(ids.run_id)).status]).toEqual([
      'cancelling',
      'completed',
    ]);
  });

  it('are cancelled with a parent that is cancelled while it makes them', async () => {
    const parent = await races.create();
    const call = await callOf(parent);
    const cancelled = await races.meet(
      (held) => held('createChild', call),
      () => races.write('requestCancel', { caller: CALLER, run_id: parent.run_id }),
    );
    expect(outcomeOf(cancelled)).toMatchObject({ value: { ok: true } });
    expect((await childrenOf(parent)).map((child) => child.status)).toEqual(['cancelled']);
  });
});

describe('two relays', () => {
  it('never claim one intent both, nor wait for each other', async () => {
    const run = await races.create();
    await races.write('expediteIntents', {});
    const held = await races.hold();
    const first = await held.run('claimIntents', { limit: 100 });
    expect(first.map((intent) => intent.run_id)).toContain(run.run_id);
    // The first has not committed.
    expect(await races.write('claimIntents', { limit: 100 })).toEqual([]);
    await held.commit();
    expect(await races.write('claimIntents', { limit: 100 })).toEqual([]);
  });

  it('rebuild a run once', async () => {
    const run = await races.create();
    await races.lease(run);
    const second = await races.meet(
      (held) => held('rebuildRun', run),
      () => races.write('rebuildRun', run),
    );
    expect(outcomeOf(second)).toBe(false);
    expect((await races.row(run.run_id)).epoch).toBe(1);
  });
});
