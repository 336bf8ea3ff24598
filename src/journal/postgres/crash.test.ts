/**
 * PostgreSQL killed between a transaction's writes and its commit. What it had not flushed is gone with it, the transaction's id as well:
 * the server that recovers gives it to another, whose commit must not be taken for that of the first.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createArgs } from '../../../test/support/clocked-journal.ts';
import { createDatabaseOn, onDatabase, throughProxy } from '../../../test/support/postgres-database.ts';
import { type PostgresServer, startPostgres } from '../../../test/support/postgres-server.ts';
import { startProxy } from '../../../test/support/proxy.ts';
import type { Journal } from '../journal.ts';
import { openPostgresJournal } from './postgres-journal.ts';

const COMMIT = Buffer.from('commit\0');
/** Enough to come to the id that was lost. */
const TRANSACTIONS = 50;

let server: PostgresServer;
let url: string;
let journal: Journal;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let onCommit: (() => void) | undefined;
beforeAll(async () => {
  server = await startPostgres();
  url = await createDatabaseOn(server.url, 'crash_');
  // Nothing but a commit flushes what is written.
  await onDatabase(url, `alter system set wal_writer_delay = '10s'`);
  await onDatabase(url, 'select pg_reload_conf()');
  proxy = await startProxy(new URL(url).host, {
    tap(chunk, from) {
      if (from === 'server' || !onCommit || !chunk.includes(COMMIT)) return true;
      onCommit();
      onCommit = undefined;
      return false;
    },
  });
  journal = await openPostgresJournal({ url: throughProxy(url, proxy) });
});
afterAll(async () => {
  await journal.close();
  await proxy.close();
  await server.stop();
});

it('a create that was lost with it is not told as done', async () => {
  await journal.write('createRun', createArgs());
  const killed = Promise.withResolvers<void>();
  onCommit = () => server.kill().then(killed.resolve, killed.reject);
  const create = journal.write('createRun', createArgs()).then(
    ({ value }) => `created ${value.run_id}`,
    (error: { code?: string }) => error.code,
  );
  await killed.promise;
  await server.restart();
  for (let i = 0; i < TRANSACTIONS; i++) await onDatabase(url, 'select pg_current_xact_id()');
  expect(await create).toBe('journal.outcome_unknown');
  expect(await onDatabase(url, 'select count(*)::int as runs from runs')).toEqual([{ runs: 1 }]);
});
