/** Two processes at one thread: whatever the order, no run is stranded, none lost, and none starts in another's way. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLER, createArgs, delta, turnOf } from '../../../test/support/clocked-journal.ts';
import { openRaces, outcomeOf, type Races } from '../../../test/support/race.ts';

let races: Races;
beforeAll(async () => {
  races = await openRaces();
});
afterAll(() => races.close());

const text = (words: string) => [{ type: 'text' as const, text: words }];

describe('a run that is put in the queue at the moment in which the thread becomes free', () => {
  it('is started by the end that waited for it', async () => {
    const active = await races.create();
    const lease = await races.lease(active);
    let queued = '';
    const end = await races.meet(
      async (held) => {
        const args = createArgs({ thread_id: active.thread_id, on_busy: 'enqueue' });
        queued = (await held('createRun', args)).value.run_id;
      },
      () => races.write('completeTurn', turnOf(lease)),
    );
    expect(outcomeOf(end)).toMatchObject({ outcome: 'ended', status: 'completed' });
    expect(await races.activeOn(active.thread_id)).toBe(queued);
    expect(await races.outbox(queued)).toEqual(['start']);
  });

  it('has the thread at once when the end was first', async () => {
    const active = await races.create();
    const lease = await races.lease(active);
    const created = await races.meet(
      (held) => held('completeTurn', turnOf(lease)),
      () => races.create({ thread_id: active.thread_id, on_busy: 'enqueue' }),
    );
    const { run_id } = outcomeOf(created) as { run_id: string };
    expect(await races.activeOn(active.thread_id)).toBe(run_id);
    expect((await races.row(run_id)).queued_input).toBeNull();
    expect(await races.outbox(run_id)).toEqual(['start']);
  });
});

describe('a queued run that is cancelled at the moment in which its turn comes', () => {
  async function queue() {
    const active = await races.create();
    const lease = await races.lease(active);
    const { run_id } = await races.create({ thread_id: active.thread_id, on_busy: 'enqueue' });
    return { active, lease, run_id };
  }

  it('is passed over: the thread goes to the next, or is free', async () => {
    const { active, lease, run_id } = await queue();
    const next = await races.create({ thread_id: active.thread_id, on_busy: 'enqueue' });
    const end = await races.meet(
      (held) => held('requestCancel', { caller: CALLER, run_id }),
      () => races.write('completeTurn', turnOf(lease)),
    );
    expect(outcomeOf(end)).toMatchObject({ status: 'completed' });
    expect(await races.activeOn(active.thread_id)).toBe(next.run_id);
    expect(await races.outbox(run_id)).toEqual([]);
  });

  it('frees the thread again when it had it already', async () => {
    const { active, lease, run_id } = await queue();
    const cancelled = await races.meet(
      (held) => held('completeTurn', turnOf(lease)),
      () => races.write('requestCancel', { caller: CALLER, run_id }),
    );
    expect(outcomeOf(cancelled)).toMatchObject({ value: { ok: true } });
    expect((await races.row(run_id)).status).toBe('cancelled');
    expect(await races.activeOn(active.thread_id)).toBeNull();
  });
});

describe('two runs at once on a free thread', () => {
  it('one has it, the other is refused', async () => {
    const { thread_id, run_id } = await races.create();
    await races.write('requestCancel', { caller: CALLER, run_id });
    const other = await races.meet(
      (held) => held('createRun', createArgs({ thread_id })),
      () => races.create({ thread_id }),
    );
    expect(outcomeOf(other)).toBe('threads.busy');
  });
});

describe('an interrupt and the end of what it interrupts', () => {
  it('do not wait for each other: both take the run before the thread', async () => {
    const active = await races.create();
    const lease = await races.lease(active);
    const held = await races.hold();
    await held.run('appendDeltas', { lease, events: [delta('Hello')] });
    const interrupt = races.create({ thread_id: active.thread_id, on_busy: 'interrupt' });
    await races.untilWaiting();
    expect(await held.run('completeTurn', turnOf(lease))).toMatchObject({ status: 'completed' });
    await held.commit();
    const { run_id } = await interrupt;
    expect(await races.activeOn(active.thread_id)).toBe(run_id);
  });

  it('after which another run has the thread: that one is interrupted', async () => {
    const active = await races.create();
    const lease = await races.lease(active);
    const next = await races.create({ thread_id: active.thread_id, on_busy: 'enqueue' });
    const interrupt = await races.meet(
      (held) => held('completeTurn', turnOf(lease)),
      () => races.create({ thread_id: active.thread_id, on_busy: 'interrupt' }),
    );
    const { run_id } = outcomeOf(interrupt) as { run_id: string };
    expect((await races.row(next.run_id)).status).toBe('cancelled');
    expect(await races.activeOn(active.thread_id)).toBe(run_id);
  });
});

describe('a run whose time is over', () => {
  it('gives its thread to one of two that come at the same time', async () => {
    const { thread_id } = await races.create({ expires_after_s: 0 });
    const second = await races.meet(
      (held) => held('createRun', createArgs({ thread_id })),
      () => races.create({ thread_id }),
    );
    expect(outcomeOf(second)).toBe('threads.busy');
    const runs = races.db.selectFrom('runs').select('status').where('thread_id', '=', thread_id).orderBy('id');
    expect((await runs.execute()).map((run) => run.status)).toEqual(['failed', 'queued']);
  });
});

describe('a thread that is deleted', () => {
  async function freeThread(): Promise<string> {
    const run = await races.create();
    await races.write('requestCancel', { caller: CALLER, run_id: run.run_id });
    return run.thread_id;
  }
  const remove = (thread_id: string) => ({ org_id: 'org_a', thread_id });

  it('takes no run that comes at the same time', async () => {
    const thread_id = await freeThread();
    const created = await races.meet(
      (held) => held('deleteThread', remove(thread_id)),
      () => races.create({ thread_id }),
    );
    expect(outcomeOf(created)).toBe('threads.not_found');
    expect(await races.db.selectFrom('runs').select('id').where('thread_id', '=', thread_id).execute()).toEqual([]);
  });

  it('is not deleted under a run that was first', async () => {
    const thread_id = await freeThread();
    const deleted = await races.meet(
      (held) => held('createRun', createArgs({ thread_id })),
      () => races.write('deleteThread', remove(thread_id)),
    );
    expect(outcomeOf(deleted)).toBe('threads.busy');
    const active = (await races.activeOn(thread_id)) as string;
    expect((await races.row(active)).ended).toBe(0);
  });

  it('takes no message that comes at the same time', async () => {
    const thread_id = await freeThread();
    const said = await races.meet(
      (held) => held('deleteThread', remove(thread_id)),
      () => races.write('createMessage', { org_id: 'org_a', thread_id, role: 'user', content: text('hello') }),
    );
    expect(outcomeOf(said)).toBe('threads.not_found');
    expect(await races.db.selectFrom('messages').select('id').where('thread_id', '=', thread_id).execute()).toEqual([]);
  });

  it('takes no message while a run begins on it', async () => {
    const thread_id = await freeThread();
    const said = await races.meet(
      (held) => held('createRun', createArgs({ thread_id })),
      () => races.write('createMessage', { org_id: 'org_a', thread_id, role: 'user', content: text('hello') }),
    );
    expect(outcomeOf(said)).toBe('threads.busy');
  });
});
