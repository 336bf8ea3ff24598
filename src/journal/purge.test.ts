/** What `retention_days` takes away and what it must leave, by the test's own clock. */
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALLER,
  type ClockedJournal,
  clientCall,
  createArgs,
  openClockedJournal,
  question,
  ROUTE,
  type RunIds,
  serverCall,
  specWith,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import type { TurnCall } from './open-calls.ts';
import { readPrompt } from './prompt.ts';
import type { Schema } from './schema.ts';
import { PURGED_AT_A_TIME } from './transactions/purge.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const LIMIT = 1_000;

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const purge = (limit = LIMIT) => journal.write('purgeRuns', { before: journal.now() - DAY_MS, limit });
const purgeThreads = () => journal.write('purgeThreads', { before: journal.now() - DAY_MS });
async function purgeRest(): Promise<void> {
  while ((await journal.write('purgeDeleted', { limit: LIMIT })) > 0);
  while ((await journal.write('purgeDeletedThreads', { limit: 1 })) > 0);
}
const count = async (table: keyof Schema) =>
  Number((await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(journal.db)).rows[0]?.n);
const OF_RUNS = ['runs', 'events', 'steps', 'calls', 'inputs', 'outbox', 'run_messages', 'deleted_runs'] as const;
const left = async (tables: readonly (keyof Schema)[]) =>
  Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await count(table)])));
const exists = async (run: RunIds) =>
  (await journal.db.selectFrom('runs').select('id').where('id', '=', run.run_id).execute()).length === 1;

/** A run that called a tool without a word, asked and was answered, and completed. */
async function wholeRun(more: Parameters<ClockedJournal['create']>[1] = {}): Promise<RunIds> {
  const run = await journal.create({}, more);
  const calls = [serverCall('look'), question('Which?')];
  await journal.write('completeTurn', turnOf(await journal.lease(run), { content: '', calls }));
  await journal.completeCall(await journal.beginCall(run), 'seen');
  await journal.answer(run, { content: 'blue' });
  await journal.write('completeTurn', turnOf(await journal.lease(run, 2), { turn: 2 }));
  return run;
}

const promptOf = async (run: RunIds) =>
  (await readPrompt(journal.db, 'org_a', run.thread_id)).messages.map((message) => message.role);

describe('a run that ended longer ago', () => {
  it('goes with all that was its own; its messages stay in their thread', async () => {
    const run = await wholeRun({ alias: { alias: 'mine', fingerprint: 'f' } });
    const listed = journal.db.selectFrom('messages').select('id').where('listed', '=', 1).orderBy('position');
    const messages = await listed.execute();
    journal.pass(DAY_MS + 1);
    expect(await purge()).toEqual({ runs: 1, more: false });
    await purgeRest();
    expect(await left([...OF_RUNS, 'aliases'])).toEqual(
      Object.fromEntries([...OF_RUNS, 'aliases'].map((table) => [table, 0])),
    );
    expect(await listed.execute()).toEqual(messages);
    expect(messages).toHaveLength(2);
    expect(await promptOf(run)).toEqual(['user', 'assistant']);
  });

  it('stays to the millisecond', async () => {
    const run = await wholeRun();
    journal.pass(DAY_MS);
    expect(await purge()).toEqual({ runs: 0, more: false });
    expect(await exists(run)).toBe(true);
  });

  it('leaves what another of its thread did, and a later one sees a prompt without it', async () => {
    const first = await wholeRun();
    journal.pass(DAY_MS);
    const second = await wholeRun({ thread_id: first.thread_id });
    journal.pass(1);
    expect((await purge()).runs).toBe(1);
    expect([await exists(first), await exists(second)]).toEqual([false, true]);
    const of = ['user', 'assistant', 'tool', 'assistant'];
    expect(await promptOf(second)).toEqual(['user', 'assistant', ...of]);
  });

  it('stays while another of its thread is active, whose model sees what it did', async () => {
    const first = await wholeRun();
    const second = await journal.create({}, { thread_id: first.thread_id });
    journal.pass(DAY_MS + 1);
    expect((await purge()).runs).toBe(0);
    await journal.write('completeTurn', turnOf(await journal.lease(second)));
    expect((await purge()).runs).toBe(1);
    expect([await exists(first), await exists(second)]).toEqual([false, true]);
  });
});

describe('a run that is active', () => {
  it('stays, however old: at work, waiting for its human, or queued', async () => {
    const working = await journal.create();
    await journal.lease(working);
    const waiting = await journal.create();
    await journal.turnWith(waiting, [question('Which?')]);
    const queued = await journal.create({}, { thread_id: waiting.thread_id, on_busy: 'enqueue' });
    const cancelling = await journal.create();
    await journal.lease(cancelling);
    await journal.write('requestCancel', { caller: CALLER, run_id: cancelling.run_id });
    journal.pass(1_000 * DAY_MS);
    expect(await purge()).toEqual({ runs: 0, more: false });
    expect(await purgeThreads()).toBe(0);
    for (const run of [working, waiting, queued, cancelling]) expect(await exists(run)).toBe(true);
  });
});

describe('a child that ended', () => {
  const agent: TurnCall = { kind: 'agent', offered: true, name: 'run_agent', arguments: { persona: 'a', input: 'b' } };

  async function childOf(parent: RunIds, idx: number): Promise<RunIds> {
    const call = await journal.beginCall(parent, { idx });
    const { persona_id, metadata, input } = createArgs();
    const outcome = await journal.write('createChild', {
      ...{ ...call, turn: 1, active_limit: null },
      child: { persona_id, metadata, input, route: ROUTE, spec: specWith() },
    });
    if (outcome.outcome !== 'child') throw new Error(JSON.stringify(outcome));
    return { org_id: 'org_a', epoch: 0, run_id: outcome.child.run_id, thread_id: outcome.child.thread_id };
  }

  it('stays until its parent has ended, and for as long', async () => {
    const parent = await journal.create({ input_timeout_s: 10 * 24 * 60 * 60 });
    await journal.turnWith(parent, [agent, clientCall('locate')]);
    const child = await childOf(parent, 0);
    await journal.write('completeTurn', turnOf(await journal.lease(child)));
    journal.pass(DAY_MS + 1);
    expect((await purge()).runs).toBe(0);
    await journal.write('beginCall', { ...parent, turn: 1, idx: 0 });
    const open = (await journal.requests(parent))[0]?.tool_calls ?? '[]';
    const [{ call_id }] = JSON.parse(open) as [{ call_id: string }];
    await journal.answer(parent, { tool_outputs: [{ call_id, output: 'here' }] });
    expect((await purge()).runs).toBe(0);
    await journal.write('completeTurn', turnOf(await journal.lease(parent, 2), { turn: 2 }));
    expect((await purge()).runs).toBe(1);
    expect([await exists(parent), await exists(child)]).toEqual([true, false]);
  });

  it('keeps its parent, while it is the one that has not', async () => {
    const parent = await journal.create();
    await journal.turnWith(parent, [agent]);
    const child = await childOf(parent, 0);
    await journal.lease(child);
    await journal.write('finishRun', { ...parent, as: { status: 'failed', code: 'engine.terminated', message: '' } });
    journal.pass(DAY_MS + 1);
    expect((await purge()).runs).toBe(0);
    expect([await exists(parent), await exists(child)]).toEqual([true, true]);
  });
});

describe('one transaction', () => {
  it('deletes so many calls at most, and the prompt in between holds no call without its result', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [question('A?'), question('B?'), question('C?')]);
    await journal.write('finishRun', { ...run, as: { status: 'failed', code: 'engine.terminated', message: '' } });
    journal.pass(DAY_MS + 1);
    expect(await purge(2)).toEqual({ runs: 0, more: true });
    expect(await left(['runs', 'calls', 'inputs'])).toEqual({ runs: 1, calls: 1, inputs: 3 });
    const [, said, results] = (await readPrompt(journal.db, 'org_a', run.thread_id)).messages;
    const calls = said?.role === 'assistant' ? said.tool_calls : [];
    expect(calls).toHaveLength(1);
    expect(results).toMatchObject({ role: 'tool', results: calls.map(({ call_id }) => ({ call_id })) });
    expect(await purge(2)).toEqual({ runs: 0, more: true });
    for (let more = true; more; ) ({ more } = await purge(2));
    expect(await left(['runs', 'calls', 'inputs'])).toEqual({ runs: 0, calls: 0, inputs: 0 });
  });

  it('deletes so many runs at most, and says that there are more', async () => {
    for (let i = 0; i <= PURGED_AT_A_TIME; i++) {
      const run = await journal.create();
      await journal.write('completeTurn', turnOf(await journal.lease(run)));
    }
    journal.pass(DAY_MS + 1);
    expect(await purge()).toEqual({ runs: PURGED_AT_A_TIME, more: true });
    expect(await purge()).toEqual({ runs: 1, more: false });
  });
});

describe('a thread', () => {
  it('without runs and without activity for as long goes, with its messages, metadata and alias', async () => {
    const run = await wholeRun();
    const { value: idle } = await journal.write('createThread', {
      org_id: 'org_a',
      alias: 'thread-of-mine',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }],
    });
    journal.pass(DAY_MS + 1);
    const { value: young } = await journal.write('createThread', { org_id: 'org_a', alias: 'young' });
    // The run's thread still has its run.
    expect(await purgeThreads()).toBe(1);
    expect((await purge()).runs).toBe(1);
    expect(await purgeThreads()).toBe(1);
    await purgeRest();
    const threads = await journal.db.selectFrom('threads').select('id').execute();
    expect(threads).toEqual([{ id: young.id }]);
    expect([idle.id, run.thread_id]).not.toContain(young.id);
    expect(await left(['messages', 'aliases', 'deleted_threads'])).toEqual({
      messages: 0,
      aliases: 1,
      deleted_threads: 0,
    });
  });

  it('in which something was written since stays without its runs', async () => {
    const run = await wholeRun();
    journal.pass(DAY_MS);
    const { org_id, thread_id } = run;
    await journal.write('createMessage', {
      org_id,
      thread_id,
      role: 'user',
      content: [{ type: 'text', text: 'still here' }],
    });
    journal.pass(1);
    expect((await purge()).runs).toBe(1);
    expect(await purgeThreads()).toBe(0);
    await purgeRest();
    expect(await promptOf(run)).toEqual(['user', 'assistant', 'user']);
  });
});
