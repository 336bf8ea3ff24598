/** Idempotency keys: stored in the effect's own transaction, answered for a day. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALLER,
  type ClockedJournal,
  createArgs,
  openClockedJournal,
  question,
} from '../../test/support/clocked-journal.ts';
import { IDEMPOTENCY_KEPT_MS } from './transactions/idempotency.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const once = { key: 'k1', fingerprint: 'POST /v1/runs {}' };
const runs = async () => (await journal.db.selectFrom('runs').select('id').execute()).length;
const keys = async () => (await journal.db.selectFrom('idempotency').select('key').execute()).map((row) => row.key);

describe('a request sent twice with one key', () => {
  it('has one effect and the first answer', async () => {
    const first = await journal.write('createRun', createArgs({ once }));
    const second = await journal.write('createRun', createArgs({ once }));
    expect(first.replayed).toBe(false);
    expect(second).toEqual({ value: first.value, replayed: true });
    expect(await runs()).toBe(1);
  });

  it('is refused when it asks for something else', async () => {
    await journal.write('createRun', createArgs({ once }));
    const other = journal.write('createRun', createArgs({ once: { ...once, fingerprint: 'other' } }));
    await expect(other).rejects.toMatchObject({ code: 'idempotency.mismatch' });
    expect(await runs()).toBe(1);
  });

  it('has its effect anew when a day has passed', async () => {
    const first = await journal.write('createRun', createArgs({ once }));
    journal.pass(IDEMPOTENCY_KEPT_MS - 1);
    expect((await journal.write('createRun', createArgs({ once }))).replayed).toBe(true);
    journal.pass(1);
    const late = await journal.write('createRun', createArgs({ once }));
    expect(late.replayed).toBe(false);
    expect(late.value.run_id).not.toBe(first.value.run_id);
    expect((await journal.write('createRun', createArgs({ once }))).value).toEqual(late.value);
  });

  it('has two effects when two organisations sent it', async () => {
    await journal.write('createRun', createArgs({ once }));
    const other = await journal.write('createRun', createArgs({ once, caller: { ...CALLER, org_id: 'org_b' } }));
    expect(other.replayed).toBe(false);
  });
});

describe('a request that is refused', () => {
  it('leaves no key behind, so that it may be sent again', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [question('Which?')]);
    const empty = { org_id: 'org_a', run_id: run.run_id, once };
    await expect(journal.write('answerInput', { ...empty, answer: { content: '' } })).rejects.toMatchObject({
      code: 'validation.failed',
    });
    expect(await keys()).toEqual([]);
    const answered = await journal.write('answerInput', { ...empty, answer: { content: 'blue' } });
    expect(answered.replayed).toBe(false);
    const again = await journal.write('answerInput', { ...empty, answer: { content: 'blue' } });
    expect(again).toEqual({ value: answered.value, replayed: true });
  });

  it('on a busy thread leaves neither key nor run nor message', async () => {
    const run = await journal.create();
    const args = createArgs({ once, thread_id: run.thread_id });
    await expect(journal.write('createRun', args)).rejects.toMatchObject({ code: 'threads.busy' });
    expect(await keys()).toEqual([]);
    expect(await runs()).toBe(1);
    expect(await journal.db.selectFrom('messages').select('id').execute()).toHaveLength(1);
  });
});

describe('old keys', () => {
  it('are purged, young ones stay', async () => {
    await journal.write('createRun', createArgs({ once }));
    journal.pass(IDEMPOTENCY_KEPT_MS);
    await journal.write('createRun', createArgs({ once: { ...once, key: 'k2' } }));
    journal.pass(1);
    expect(await journal.write('purgeIdempotency', { limit: 10 })).toBe(1);
    expect(await keys()).toEqual(['k2']);
  });
});
