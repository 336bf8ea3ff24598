/** Leases: a step is one attempt's at a time (invariants 2 and 5), and the journal says where a run is (invariant 10). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { patientWrite } from '../../activities/patience.ts';
import {
  CALLER,
  type ClockedJournal,
  delta,
  NO_TOKENS,
  openClockedJournal,
  ROUTE,
  type RunIds,
  serverCall,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import { checkHistory, types } from '../../test/support/events.ts';
import { HoldfastError } from '../errors.ts';
import { newLeaseToken } from '../ids.ts';
import type { Journal } from './journal.ts';
import type { BegunTurn, Lease } from './transactions/begin-turn.ts';
import { MAX_LOST_WORKERS } from './transactions/begin-turn.ts';

let journal: ClockedJournal;
let run: RunIds;
beforeEach(async () => {
  journal = await openClockedJournal();
  run = await journal.create();
});
afterEach(() => journal.close());

type Begun = Extract<BegunTurn, { begun: true }>;

const superseded = { code: 'steps.superseded' };
const failed = (lease: Lease) => ({
  ...{ lease, release: 'provider_error' as const, events: [delta('late')], usage: NO_TOKENS, cost_usd: 0 },
  ...{ error: { code: 'provider.failed', message: '', retryable: false }, retries: 0, fallback: null },
});

describe('a begin whose outcome was not known', () => {
  const at = () => ({ org_id: run.org_id, run_id: run.run_id, epoch: 0, turn: 1 });

  it('of a turn is told the lease that it gave, and writes nothing more', async () => {
    const begin = { ...at(), route: ROUTE, temporal_run_id: '', token: newLeaseToken() };
    const begun = await journal.write('beginTurn', begin);
    const before = await journal.events(run);
    expect(await journal.write('beginTurn', begin)).toEqual(begun);
    expect(await journal.events(run)).toEqual(before);
    if (!begun.begun) throw new Error('the turn did not begin');
    await journal.write('completeTurn', turnOf(begun.lease));
  });

  it('of a call with side effects is told its lease, and nobody is asked what became of it', async () => {
    await journal.turnWith(run, [serverCall('send_mail')]);
    const begin = { ...at(), idx: 0, token: newLeaseToken() };
    const begun = await journal.write('beginCall', begin);
    expect(begun).toMatchObject({ begun: true, lease: { token: begin.token, attempt: 1 } });
    expect(await journal.write('beginCall', begin)).toEqual(begun);
    expect((await journal.row(run)).status).toBe('running');
  });

  it('is one of its own where another attempt has begun since', async () => {
    const begin = { ...at(), route: ROUTE, temporal_run_id: '', token: newLeaseToken() };
    await journal.write('beginTurn', begin);
    await journal.lease(run);
    expect(await journal.write('beginTurn', begin)).toMatchObject({ begun: true, lease: { attempt: 3 } });
  });

  it('is told of its lease while its run is being cancelled, as a step is that has begun', async () => {
    const begin = { ...at(), route: ROUTE, temporal_run_id: '', token: newLeaseToken() };
    const begun = await journal.write('beginTurn', begin);
    await journal.write('requestCancel', { caller: CALLER, run_id: run.run_id });
    expect(await journal.write('beginTurn', begin)).toMatchObject({ begun: true, lease: (begun as Begun).lease });
  });

  it.each(['beginTurn', 'beginCall'] as const)('%s is repeated by the step, and is begun once', async (name) => {
    if (name === 'beginCall') await journal.turnWith(run, [serverCall('send_mail')]);
    let writes = 0;
    const write = async (...args: Parameters<typeof journal.write>) => {
      const written = await journal.write(...args);
      if (writes++ === 0) throw new HoldfastError('journal.outcome_unknown', 'Its answer was lost.');
      return written;
    };
    const begin = { ...at(), token: newLeaseToken() };
    const patient = patientWrite({ write } as unknown as Journal);
    const begun =
      name === 'beginCall'
        ? await patient(name, { ...begin, idx: 0 })
        : await patient(name, { ...begin, route: ROUTE, temporal_run_id: '' });
    expect(begun).toMatchObject({ begun: true, lease: { attempt: 1 } });
    expect(writes).toBe(2);
  });
});

describe('a worker that was frozen past its heartbeat and wakes', () => {
  it('writes nothing to a turn that another attempt holds', async () => {
    const frozen = await journal.lease(run);
    await journal.write('appendDeltas', { lease: frozen, events: [delta('Hel')] });
    const successor = await journal.lease(run);
    const before = await journal.events(run);

    await expect(journal.write('appendDeltas', { lease: frozen, events: [delta('lo')] })).rejects.toMatchObject(
      superseded,
    );
    await expect(journal.write('completeTurn', turnOf(frozen))).rejects.toMatchObject(superseded);
    await expect(journal.write('failAttempt', failed(frozen))).rejects.toMatchObject(superseded);
    expect(await journal.events(run)).toEqual(before);
    expect((await journal.row(run)).status).toBe('running');

    await journal.write('completeTurn', turnOf(successor));
    checkHistory(await journal.events(run));
  });

  it('writes nothing to a call that another attempt holds', async () => {
    await journal.turnWith(run, [serverCall('send_mail')]);
    const args = { org_id: run.org_id, run_id: run.run_id, epoch: 0, turn: 1, idx: 0 };
    const frozen = await journal.write('beginCall', args);
    const successor = await journal.write('beginCall', args);
    if (!frozen.begun || !successor.begun) throw new Error('the call did not begin');
    const result = { call_id: frozen.call.call_id, status: 'ok' as const, duration_ms: 1 };

    const late = journal.write('completeCall', { lease: frozen.lease, ...result, output: 'from the frozen one' });
    await expect(late).rejects.toMatchObject(superseded);
    await journal.write('completeCall', { lease: successor.lease, ...result, output: 'from its successor' });
    const outputs = (await journal.events(run)).filter((event) => event.type === 'tool.result');
    expect(outputs.map((event) => event.data.output)).toEqual(['from its successor']);
    expect(await journal.write('beginCall', args)).toEqual({ begun: false, outcome: { outcome: 'done' } });
  });

  it('writes nothing to a run that has ended', async () => {
    const lease = await journal.lease(run);
    await journal.write('finishRun', { ...refOf(run), as: { status: 'cancelled', reason: 'cancel_requested' } });
    const before = await journal.events(run);
    await expect(journal.write('appendDeltas', { lease, events: [delta('late')] })).rejects.toMatchObject(superseded);
    await expect(journal.write('completeTurn', turnOf(lease))).rejects.toMatchObject(superseded);
    await expect(journal.write('failAttempt', failed(lease))).rejects.toMatchObject(superseded);
    expect(await journal.events(run)).toEqual(before);
  });
});

describe('an older copy of the workflow', () => {
  it('can no longer write, begin, load, expire or end once the run was rebuilt', async () => {
    const lease = await journal.lease(run);
    expect(await journal.write('rebuildRun', refOf(run))).toBe(true);
    const before = await journal.events(run);

    await expect(journal.write('appendDeltas', { lease, events: [delta('old')] })).rejects.toMatchObject(superseded);
    await expect(journal.write('completeTurn', turnOf(lease))).rejects.toMatchObject(superseded);
    expect(await journal.begin(run)).toEqual({ begun: false, outcome: { outcome: 'superseded' } });
    expect(await journal.write('loadRun', refOf(run))).toEqual({ outcome: 'superseded' });
    expect(await journal.write('expireInput', { ...refOf(run), request_id: 'any' })).toEqual({ outcome: 'superseded' });
    const end = { ...refOf(run), as: { status: 'failed' as const, code: 'engine.terminated', message: '' } };
    expect(await journal.write('finishRun', end)).toEqual({ outcome: 'superseded' });
    expect(await journal.events(run)).toEqual(before);
    await journal.lease({ ...run, epoch: 1 });
  });

  it('is replaced once, however many processes find its workflow gone', async () => {
    await journal.lease(run);
    expect(await journal.write('rebuildRun', refOf(run))).toBe(true);
    expect(await journal.write('rebuildRun', refOf(run))).toBe(false);
    expect((await journal.row(run)).epoch).toBe(1);
    expect(await journal.outbox(run)).toEqual(['start']);
  });
});

describe('a step that is asked for again', () => {
  it('tells its recorded outcome once it is done', async () => {
    const outcome = await journal.turnWith(run, [serverCall('send_mail')]);
    const before = await journal.events(run);
    expect(outcome).toEqual({ outcome: 'tools', calls: [[0, 'send_mail']], waits: [] });
    expect(await journal.begin(run)).toEqual({ begun: false, outcome });
    expect(await journal.events(run)).toEqual(before);
  });

  it('says in message.reset which message is void and why', async () => {
    const lost = await journal.begin(run);
    const again = await journal.begin(run);
    if (!lost.begun || !again.begun) throw new Error('the turn did not begin');
    expect((await journal.events(run)).slice(2).map(({ type, data }) => ({ type, data }))).toEqual([
      { type: 'message.reset', data: { message_id: lost.message_id, turn: 1, attempt: 1, reason: 'worker_lost' } },
      { type: 'turn.started', data: { turn: 1, model: 'demo', attempt: 2 } },
    ]);
    expect(again.message_id).not.toBe(lost.message_id);

    await journal.write('failAttempt', { ...failed(again.lease), retries: 3, error: retryable });
    await journal.begin(run);
    const reset = (await journal.events(run)).findLast((event) => event.type === 'message.reset');
    expect(reset?.data).toMatchObject({ message_id: again.message_id, attempt: 2, reason: 'provider_error' });
  });
});

describe('a journal that is behind the workflow', () => {
  it('says so to a turn whose predecessor it does not know, and appends nothing', async () => {
    expect(await journal.begin(run, 2)).toEqual({ begun: false, outcome: { outcome: 'behind' } });
    expect(await journal.events(run)).toEqual([]);
    await journal.turnWith(run, [serverCall('send_mail')]);
    expect(await journal.begin(run, 3)).toEqual({ begun: false, outcome: { outcome: 'behind' } });
  });

  it('says so to a turn when a call of the turn before has no result', async () => {
    await journal.turnWith(run, [serverCall('send_mail')]);
    expect(await journal.begin(run, 2)).toEqual({ begun: false, outcome: { outcome: 'behind' } });
  });

  it('says so to a call and to an expiry it does not know', async () => {
    await journal.lease(run);
    const call = await journal.write('beginCall', { ...refOf(run), turn: 1, idx: 0 });
    expect(call).toEqual({ begun: false, outcome: { outcome: 'behind' } });
    expect(await journal.write('expireInput', { ...refOf(run), request_id: 'input_x' })).toEqual({ outcome: 'behind' });
  });
});

describe('a step that loses its worker again and again', () => {
  it('ends the run with engine.crash_loop', async () => {
    for (let i = 0; i < MAX_LOST_WORKERS; i++) await journal.lease(run);
    const stopped = await journal.begin(run);
    const outcome = { outcome: 'ended', status: 'failed', code: 'engine.crash_loop' };
    expect(stopped).toEqual({ begun: false, outcome });
    const events = await journal.events(run);
    checkHistory(events);
    expect(types(events).filter((type) => type === 'turn.started')).toHaveLength(MAX_LOST_WORKERS);
    expect((await journal.row(run)).error_code).toBe('engine.crash_loop');
  });

  it('ends it too when the step is a call', async () => {
    await journal.turnWith(run, [serverCall('send_mail')]);
    const args = { ...refOf(run), turn: 1, idx: 0 };
    for (let i = 0; i < MAX_LOST_WORKERS; i++) expect((await journal.write('beginCall', args)).begun).toBe(true);
    await journal.write('beginCall', args);
    expect((await journal.row(run)).error_code).toBe('engine.crash_loop');
    checkHistory(await journal.events(run));
  });

  it('does not count attempts that were given back', async () => {
    for (let i = 0; i <= MAX_LOST_WORKERS; i++) {
      const lease = await journal.lease(run);
      await journal.write('failAttempt', { ...failed(lease), retries: 100, error: retryable });
    }
    expect((await journal.row(run)).status).toBe('running');
  });
});

const retryable = { code: 'provider.unavailable', message: '', retryable: true };
const refOf = ({ org_id, run_id, epoch }: RunIds) => ({ org_id, run_id, epoch });
