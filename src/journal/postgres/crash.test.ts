/**
 * PostgreSQL killed about a transaction's commit. What it had not flushed is gone with it, the transaction's id as well: the server that
 * recovers gives it to another, whose commit must not be taken for that of the first.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patientWrite } from '../../../activities/patience.ts';
import { createArgs, ROUTE, turnOf } from '../../../test/support/clocked-journal.ts';
import { createDatabaseOn, onDatabase, throughProxy } from '../../../test/support/postgres-database.ts';
import { type PostgresServer, startPostgres } from '../../../test/support/postgres-server.ts';
import { startProxy } from '../../../test/support/proxy.ts';
import { heldBack } from '../../held-back.ts';
import { newLeaseToken } from '../../ids.ts';
import type { Journal } from '../journal.ts';
import type { Lease } from '../transactions/begin-turn.ts';
import { openPostgresJournal } from './postgres-journal.ts';

const COMMIT = Buffer.from('commit\0');
const COMMITTED = Buffer.from('COMMIT\0');
/** Enough to come to the id that was lost. */
const TRANSACTIONS = 50;

let server: PostgresServer;
let url: string;
let journal: Journal;
let proxy: Awaited<ReturnType<typeof startProxy>>;
/** Kills the server at the next commit that comes by, or at the answer to it; neither gets through. */
let killAt: { commit: 'sent' | 'answered'; kill: () => void } | undefined;
beforeAll(async () => {
  server = await startPostgres();
  url = await createDatabaseOn(server.url, 'crash_');
  // Nothing but a commit flushes what is written.
  await onDatabase(url, `alter system set wal_writer_delay = '10s'`);
  await onDatabase(url, 'select pg_reload_conf()');
  proxy = await startProxy(new URL(url).host, {
    tap(chunk, from) {
      const isMeant =
        killAt?.commit === 'sent'
          ? from === 'client' && chunk.includes(COMMIT)
          : from === 'server' && chunk.includes(COMMITTED);
      if (!killAt || !isMeant) return true;
      killAt.kill();
      killAt = undefined;
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

/** Has the server killed at its commit, and come to its id again before anybody asks what became of it. */
async function crashing<T>(commit: 'sent' | 'answered', write: () => Promise<T>): Promise<T> {
  const killed = Promise.withResolvers<void>();
  killAt = { commit, kill: () => server.kill().then(killed.resolve, killed.reject) };
  const written = heldBack(write());
  await killed.promise;
  await server.restart();
  for (let i = 0; i < TRANSACTIONS; i++) await onDatabase(url, 'select pg_current_xact_id()');
  return await written;
}

type Begun = { run: { org_id: string; run_id: string }; lease: Lease };

async function beginTurn(): Promise<Begun> {
  const { run_id } = (await journal.write('createRun', createArgs())).value;
  const run = { org_id: 'org_a', run_id };
  const begun = await journal.write('beginTurn', { ...run, epoch: 0, turn: 1, route: ROUTE });
  if (!begun.begun) throw new Error('the turn did not begin');
  return { run, lease: begun.lease };
}

const answersOf = ({ run }: Begun) =>
  journal.db
    .selectFrom('messages')
    .select('content')
    .where('run_id', '=', run.run_id)
    .where('role', '=', 'assistant')
    .execute();

it('a create that was lost with it is not told as done', async () => {
  await journal.write('createRun', createArgs());
  const before = await onDatabase(url, 'select id from runs');
  const create = crashing('sent', () => journal.write('createRun', createArgs()));
  await expect(create).rejects.toMatchObject({ code: 'journal.outcome_unknown' });
  expect(await onDatabase(url, 'select id from runs')).toEqual(before);
});

describe('a step that begins', () => {
  it.each(['sent', 'answered'] as const)(
    'begins once, whether its commit was lost or its answer: %s',
    async (commit) => {
      const { run_id } = (await journal.write('createRun', createArgs())).value;
      const begin = { org_id: 'org_a', run_id, epoch: 0, turn: 1, route: ROUTE, token: newLeaseToken() };
      const begun = await crashing(commit, () => patientWrite(journal)('beginTurn', begin));
      expect(begun).toMatchObject({ begun: true, lease: { attempt: 1, token: begin.token } });
      const events = await journal.db.selectFrom('events').select('type').where('run_id', '=', run_id).execute();
      expect(events.map(({ type }) => type)).toEqual(['run.started', 'turn.started']);
    },
  );
});

describe('a step with its result in hand', () => {
  it('writes it again when it was lost', async () => {
    const begun = await beginTurn();
    const complete = crashing('sent', () => patientWrite(journal)('completeTurn', turnOf(begun.lease)));
    expect(await complete).toMatchObject({ outcome: 'ended' });
    expect(await answersOf(begun)).toHaveLength(1);
  });

  it('does not write it twice when it was not, and the next attempt is told', async () => {
    const begun = await beginTurn();
    const complete = crashing('answered', () => patientWrite(journal)('completeTurn', turnOf(begun.lease)));
    await expect(complete).rejects.toMatchObject({ code: 'journal.outcome_unknown' });
    expect(await answersOf(begun)).toHaveLength(1);
    const again = await journal.write('beginTurn', { ...begun.run, epoch: 0, turn: 1, route: ROUTE });
    expect(again).toMatchObject({ begun: false, outcome: { outcome: 'ended' } });
  });
});
