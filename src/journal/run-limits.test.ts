/** What a run as a whole was given: its time, and tokens in and out. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ClockedJournal,
  clientCall,
  delta,
  NO_TOKENS,
  openClockedJournal,
  question,
  type RunIds,
  serverCall,
  turnOf,
} from '../../test/support/clocked-journal.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const MINUTE_S = 60;
/** A run that expires a minute after its creation. */
const minuteRun = () => journal.create({}, { expires_after_s: MINUTE_S });
const used = (input_tokens: number, output_tokens: number) => ({ ...NO_TOKENS, input_tokens, output_tokens });
const errorOf = async (run: RunIds) => (await journal.row(run)).error_code;
const ended = (code: string) => ({ outcome: 'ended', status: 'failed', code });

describe('a run that expires', () => {
  it('gives its thread to the next run that is created, though nobody has ended it yet', async () => {
    const late = await minuteRun();
    await journal.lease(late);
    journal.pass(MINUTE_S * 1000 - 1);
    await expect(journal.create({}, { thread_id: late.thread_id })).rejects.toMatchObject({ code: 'threads.busy' });
    journal.pass(1);
    const next = await journal.create({}, { thread_id: late.thread_id });
    expect(await journal.row(late)).toMatchObject({ status: 'failed', error_code: 'run.expired' });
    expect((await journal.begin(next)).begun).toBe(true);
  });

  it('gives its thread to the run that interrupts it, before those that are queued', async () => {
    const late = await minuteRun();
    await journal.lease(late);
    const queued = await journal.create({}, { thread_id: late.thread_id, on_busy: 'enqueue' });
    journal.pass(MINUTE_S * 1000);
    const next = await journal.create({}, { thread_id: late.thread_id, on_busy: 'interrupt' });
    expect((await journal.row(late)).status).toBe('failed');
    expect((await journal.row(queued)).status).toBe('cancelled');
    expect((await journal.begin(next)).begun).toBe(true);
  });

  it('ends when a turn of it would begin too late, and frees its thread', async () => {
    const run = await minuteRun();
    journal.pass(MINUTE_S * 1000 - 1);
    expect((await journal.begin(run)).begun).toBe(true);
    const late = await minuteRun();
    journal.pass(MINUTE_S * 1000);
    expect(await journal.begin(late)).toEqual({ begun: false, outcome: ended('run.expired') });
    const { active_run_id } = await journal.db
      .selectFrom('threads')
      .select('active_run_id')
      .where('id', '=', late.thread_id)
      .executeTakeFirstOrThrow();
    expect(active_run_id).toBeNull();
  });

  it('ends when a call of it would begin too late', async () => {
    const run = await minuteRun();
    await journal.turnWith(run, [serverCall('files/read')]);
    journal.pass(MINUTE_S * 1000);
    const call = { org_id: run.org_id, run_id: run.run_id, epoch: 0, turn: 1, idx: 0 };
    expect(await journal.write('beginCall', call)).toEqual({ begun: false, outcome: ended('run.expired') });
  });

  it('leaves a call the time that the run has left', async () => {
    const run = await minuteRun();
    await journal.turnWith(run, [serverCall('files/read')]);
    journal.pass(20_000);
    const call = { org_id: run.org_id, run_id: run.run_id, epoch: 0, turn: 1, idx: 0 };
    expect(await journal.write('beginCall', call)).toMatchObject({ begun: true, time_left_ms: 40_000 });
  });

  it('asks its questions no longer than that; no answer is taken after it, whether or not a worker ran', async () => {
    const run = await minuteRun();
    journal.pass(10_000);
    await journal.turnWith(run, [question('Why?')]);
    const [request] = await journal.requests(run);
    expect(request?.expires_at).toBe((await journal.row(run)).created_at + MINUTE_S * 1000);
    journal.pass(50_000);
    await expect(journal.answer(run, { content: 'because' })).rejects.toMatchObject({ code: 'runs.input_stale' });
    const ref = { org_id: run.org_id, run_id: run.run_id, epoch: 0, request_id: request?.id ?? '' };
    expect(await journal.write('expireInput', ref)).toEqual(ended('run.expired'));
  });

  it('fails with `input.expired` where its persona’s own time for answers was shorter', async () => {
    const run = await journal.create({ input_timeout_s: 5 }, { expires_after_s: MINUTE_S });
    await journal.turnWith(run, [question('Why?')]);
    const [request] = await journal.requests(run);
    journal.pass(5_000);
    const ref = { org_id: run.org_id, run_id: run.run_id, epoch: 0, request_id: request?.id ?? '' };
    expect(await journal.write('expireInput', ref)).toEqual(ended('input.expired'));
  });

  it('does not sleep beyond its end', async () => {
    const run = await minuteRun();
    const sleep = { kind: 'timer' as const, offered: true, name: 'wait', arguments: {}, wait: { ms: MINUTE_S * 1000 } };
    expect(await journal.turnWith(run, [sleep])).toEqual({ outcome: 'tools', calls: [], waits: [] });
    expect((await journal.events(run)).at(-1)?.data).toMatchObject({
      status: 'error',
      output: expect.stringMatching(/60 s are left/),
    });
  });
});

describe('a run whose completion tokens are limited', () => {
  it('ends where its model is cut by the limit: what it said stays as a cut answer', async () => {
    const run = await journal.create({ max_completion_tokens: 256 });
    const lease = await journal.lease(run);
    const cut = turnOf(lease, {
      events: [delta('Half a')],
      content: 'Half a',
      finish_reason: 'length',
      usage: used(1, 256),
    });
    expect(await journal.write('completeTurn', cut)).toEqual(ended('run.max_completion_tokens'));
    const types = (await journal.events(run)).map((event) => event.type);
    expect(types.slice(-2)).toEqual(['message.delta', 'run.failed']);
    const [, message] = await journal.db.selectFrom('messages').selectAll().orderBy('position').execute();
    expect(message).toMatchObject({ status: 'incomplete', content: '[{"type":"text","text":"Half a"}]', listed: 1 });
    expect(message?.began_at).toBe(journal.now());
  });

  it('completes where it says just as much as it may', async () => {
    const run = await journal.create({ max_completion_tokens: 256 });
    const said = turnOf(await journal.lease(run), { usage: used(1, 256) });
    expect(await journal.write('completeTurn', said)).toEqual({ outcome: 'ended', status: 'completed' });
  });

  it('counts all its turns, and begins none when nothing is left', async () => {
    const run = await journal.create({ max_completion_tokens: 256 });
    await journal.write(
      'completeTurn',
      turnOf(await journal.lease(run), { calls: [clientCall('f')], usage: used(1, 256) }),
    );
    const [call] = await journal.db.selectFrom('calls').select('call_id').execute();
    await journal.answer(run, { tool_outputs: [{ call_id: call?.call_id ?? '', output: 'x' }] });
    expect(await journal.begin(run, 2)).toEqual({ begun: false, outcome: ended('run.max_completion_tokens') });
  });
});

describe('a run whose prompt tokens are limited', () => {
  it('ends with the turn that passes them', async () => {
    const run = await journal.create({ max_prompt_tokens: 256 });
    const turn = turnOf(await journal.lease(run), { usage: used(257, 1) });
    expect(await journal.write('completeTurn', turn)).toEqual(ended('run.max_prompt_tokens'));
    expect(await errorOf(run)).toBe('run.max_prompt_tokens');
  });

  it('begins no turn when none are left', async () => {
    const run = await journal.create({ max_prompt_tokens: 256 });
    await journal.write(
      'completeTurn',
      turnOf(await journal.lease(run), { calls: [serverCall('f')], usage: used(256, 1) }),
    );
    await journal.completeCall(await journal.beginCall(run), 'x');
    expect(await journal.begin(run, 2)).toEqual({ begun: false, outcome: ended('run.max_prompt_tokens') });
  });
});
