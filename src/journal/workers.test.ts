/** Workers note themselves in the journal: from it each knows which builds are alive. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClockedJournal, openClockedJournal } from '../../test/support/clocked-journal.ts';
import { WORKER_GONE_MS } from './transactions/note-worker.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const note = (build: string, process: string, more: { gone?: boolean } = {}) =>
  journal.write('noteWorker', { build, process, ...more });
const alive = async (build: string, process: string) =>
  (await note(build, process)).filter((it) => it.alive).map((it) => it.build);

describe('a build', () => {
  it('is alive while one of its workers notes itself', async () => {
    await note('1.0.0-a', 'one');
    await note('1.0.0-a', 'two');
    journal.pass(WORKER_GONE_MS - 1);
    await note('1.0.0-a', 'two');
    journal.pass(2);
    expect(await alive('2.0.0-b', 'three')).toEqual(['1.0.0-a', '2.0.0-b']);
    journal.pass(WORKER_GONE_MS);
    expect(await alive('2.0.0-b', 'three')).toEqual(['2.0.0-b']);
  });

  it('is gone at once when its last worker says so', async () => {
    await note('1.0.0-a', 'one');
    await note('1.0.0-a', 'two');
    await note('1.0.0-a', 'one', { gone: true });
    expect(await alive('2.0.0-b', 'three')).toEqual(['1.0.0-a', '2.0.0-b']);
    await note('1.0.0-a', 'two', { gone: true });
    expect(await alive('2.0.0-b', 'three')).toEqual(['2.0.0-b']);
  });

  it('keeps the time at which it was first noted, whoever of it is started again', async () => {
    const began = journal.now();
    await note('1.0.0-a', 'one');
    journal.pass(WORKER_GONE_MS);
    await note('1.0.0-b', 'two');
    journal.pass(WORKER_GONE_MS);
    const noted = await note('1.0.0-a', 'three');
    expect(noted.map((it) => it.first_at)).toEqual([began, began + WORKER_GONE_MS]);
  });

  it('that has been gone for long is forgotten', async () => {
    await note('1.0.0-a', 'one');
    journal.pass(31 * 24 * 3_600_000);
    await note('2.0.0-b', 'two');
    expect((await note('2.0.0-b', 'two')).map((it) => it.build)).toEqual(['2.0.0-b']);
  });
});
