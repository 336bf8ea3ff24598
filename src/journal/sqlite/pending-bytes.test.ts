import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { openSqliteJournal } from './sqlite-journal.ts';

it('refuses writes when those that wait for the disk hold too many bytes, and takes them again when it has caught up', async () => {
  const directory = temporaryDirectory();
  const journal = await openSqliteJournal({ path: join(directory.path, 'holdfast.db') });
  const title = 'x'.repeat(1_048_576);
  const create = () => journal.write('createThread', { org_id: 'org_a', title });
  const outcomes = await Promise.allSettled(Array.from({ length: 100 }, create));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  // Two bytes a character: 64 MiB hold not quite 32 of them.
  expect(outcomes.length - refused.length).toBe(31);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'journal.unavailable', retryAfterS: 1 });
  const again = await Promise.all(Array.from({ length: 31 }, create));
  expect(again).toHaveLength(31);
  const { count } = await journal.db
    .selectFrom('threads')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  expect(count).toBe(62);
  await journal.close();
  directory.remove();
});
