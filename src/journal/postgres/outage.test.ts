/** PostgreSQL away, read-only, frozen or in a deadlock: nothing is half written, the caller is told, and it goes on afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLER, createArgs, ROUTE, turnOf } from '../../../test/support/clocked-journal.ts';
import { holdTransaction, untilWaiting } from '../../../test/support/held-transaction.ts';
import { createDatabase, onDatabase, throughProxy } from '../../../test/support/postgres-database.ts';
import { startProxy } from '../../../test/support/proxy.ts';
import { until } from '../../../test/support/until.ts';
import type { Journal } from '../journal.ts';
import { connectionConfig, MAX_WAITING, Sessions } from './connections.ts';
import { placeOf } from './migrate-postgres.ts';
import { openPostgresJournal } from './postgres-journal.ts';
import { MAX_ATTEMPTS, transact } from './transact.ts';

const PASSWORD = 'a-password-that-nobody-may-see';
const UNAVAILABLE = { code: 'journal.unavailable', retryAfterS: expect.any(Number) };

let url: string;
let journal: Journal;
let proxy: Awaited<ReturnType<typeof startProxy>>;
const troubles: string[] = [];
beforeAll(async () => {
  url = await createDatabase();
  proxy = await startProxy(new URL(url).host);
  const there = new URL(throughProxy(url, proxy));
  there.password = PASSWORD;
  const onTrouble = (error: unknown, what: string) => troubles.push(`${what}: ${String(error)}`);
  journal = await openPostgresJournal({ url: there.href, onTrouble });
});
afterAll(async () => {
  await journal.close();
  await proxy.close();
});

const create = () => journal.write('createRun', createArgs());
const runs = () => journal.db.selectFrom('runs').select('id').execute();

describe('a database that cannot be reached', () => {
  it('is told as journal.unavailable to writers and readers, and used again when it is back', async () => {
    await create();
    const before = (await runs()).length;
    proxy.cut();
    await expect(create()).rejects.toMatchObject(UNAVAILABLE);
    await expect(runs()).rejects.toMatchObject(UNAVAILABLE);
    await expect(journal.ping()).rejects.toMatchObject(UNAVAILABLE);
    await until(() => troubles.some((trouble) => trouble.includes('wake-ups')), 'the log says that wake-ups are off');
    proxy.restore();
    await create();
    await journal.ping();
    expect(await runs()).toHaveLength(before + 1);
    expect(troubles.join('\n')).not.toContain(PASSWORD);
  });
});

describe('a transaction that the database refuses to begin', () => {
  it('leaves its connection usable', async () => {
    const own = await createDatabase();
    await (await openPostgresJournal({ url: own, onTrouble: (error) => troubles.push(String(error)) })).close();
    const name = new URL(own).pathname.slice(1);
    // The journal's own function by that name comes later in the path.
    await onDatabase(
      own,
      'create schema refusing',
      `create function refusing.pg_current_xact_id() returns xid8 language plpgsql as $$ begin raise exception 'not now'; end $$`,
      `alter database ${name} set search_path = refusing, public, pg_catalog`,
    );
    const pool = new Sessions(connectionConfig(own), 1, (error) => troubles.push(String(error)));
    try {
      const begin = () => transact(pool, 'createThread', { org_id: 'org_a', metadata: {} }, () => () => undefined);
      await expect(begin()).rejects.toThrow('not now');
      await onDatabase(own, 'drop schema refusing cascade');
      await begin();
    } finally {
      await pool.end();
    }
  });
});

describe('a database that takes no writes', () => {
  it('is told as journal.unavailable to writers; readers read on', async () => {
    const name = new URL(url).pathname.slice(1);
    const before = (await runs()).length;
    const reconnect = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await onDatabase(url, `alter database ${name} set default_transaction_read_only = on`, reconnect);
    // The connections that were ended are found out one by one.
    const isReadOnly = () =>
      create().then(
        () => false,
        (error: Error) => error.message.includes('read-only'),
      );
    await until(isReadOnly, 'the journal meets the read-only database');
    await expect(create()).rejects.toMatchObject(UNAVAILABLE);
    await expect(journal.ping()).rejects.toMatchObject({ message: expect.stringContaining('read-only') });
    expect(await runs()).toHaveLength(before);
    await onDatabase(url, 'set default_transaction_read_only = off', `alter database ${name} reset all`, reconnect);
    const isBack = () =>
      create().then(
        () => true,
        () => false,
      );
    await until(isBack, 'the journal writes again');
    await journal.ping();
  });
});

describe('a process that is frozen in the midst of a transaction', () => {
  it('keeps its run from others for some seconds, and then has written nothing', async () => {
    const { run_id } = (await create()).value;
    const frozen = new Sessions(connectionConfig(url), 1, () => undefined);
    const session = await frozen.take();
    await session.query('begin');
    await session.query(`update runs set metadata = 'half' where id = $1`, [run_id]);
    await journal.write('requestCancel', { caller: CALLER, run_id });
    await expect(session.query('commit')).rejects.toMatchObject(UNAVAILABLE);
    session.release();
    await frozen.end();
    const row = await journal.db.selectFrom('runs').selectAll().where('id', '=', run_id).executeTakeFirst();
    expect(row).toMatchObject({ status: 'cancelled', metadata: '{}' });
  });
});

describe('a deadlock', () => {
  it('is resolved by beginning the transaction again', async () => {
    const { run_id, thread_id } = (await create()).value;
    const ref = { org_id: 'org_a', run_id, epoch: 0 };
    const begun = await journal.write('beginTurn', { ...ref, turn: 1, route: ROUTE, temporal_run_id: '' });
    if (!begun.begun) throw new Error('the turn did not begin');
    const other = await holdTransaction(url);
    // The other one does not give way.
    await other.query(`set local deadlock_timeout = '1min'`);
    await other.query(`update threads set title = 'mine' where id = '${thread_id}'`);
    const ended = journal.write('completeTurn', turnOf(begun.lease));
    await untilWaiting(url);
    await other.query(`update runs set metadata = '{"other":"one"}' where id = '${run_id}'`);
    await other.commit();
    expect(await ended).toMatchObject({ status: 'completed' });
    const row = await journal.db.selectFrom('runs').selectAll().where('id', '=', run_id).executeTakeFirst();
    expect(row).toMatchObject({ status: 'completed', metadata: '{"other":"one"}' });
  });

  it('that is met again and again is told as journal.unavailable after so many attempts', async () => {
    const { run_id } = (await create()).value;
    await onDatabase(
      url,
      'create sequence attempts',
      `create function always_in_the_way() returns trigger language plpgsql as $$
       begin perform nextval('attempts'); raise exception 'deadlock detected' using errcode = 'deadlock_detected'; end $$`,
      'create trigger in_the_way before insert on events execute function always_in_the_way()',
    );
    await expect(journal.write('requestCancel', { caller: CALLER, run_id })).rejects.toMatchObject(UNAVAILABLE);
    const [{ last_value }] = (await onDatabase(url, 'select last_value from attempts')) as [{ last_value: number }];
    expect(last_value).toBe(MAX_ATTEMPTS);
    await onDatabase(url, 'drop function always_in_the_way cascade');
    await journal.write('requestCancel', { caller: CALLER, run_id });
  });
});

describe('statements that wait for a connection', () => {
  it('are bounded: one too many is told at once to come again', async () => {
    const one = new Sessions(connectionConfig(url), 1, () => undefined);
    const held = await one.take();
    const waiting = Array.from({ length: MAX_WAITING }, async () => (await one.take()).release());
    await expect(one.take()).rejects.toMatchObject(UNAVAILABLE);
    held.release();
    await Promise.all(waiting);
    await one.end();
    await expect(one.take()).rejects.toMatchObject({ code: 'journal.unavailable' });
  });
});

describe('what PostgreSQL does not take', () => {
  it('a NUL in a text is stored as a replacement character, and as an id finds nothing', async () => {
    const { value } = await journal.write('createThread', { org_id: 'org_a', title: 'a\0b' });
    expect(value.title).toBe('a\uFFFDb');
    await expect(journal.write('requestCancel', { caller: CALLER, run_id: 'run_\0' })).rejects.toMatchObject({
      code: 'runs.not_found',
    });
    expect(await journal.db.selectFrom('runs').select('id').where('id', '=', 'run_\0').execute()).toEqual([]);
  });

  it('an error of a statement quotes no row', async () => {
    const secret = 'what a user said';
    await onDatabase(url, `alter table threads add constraint no_secrets check (title <> '${secret}')`);
    const failure = await journal.write('createThread', { org_id: 'org_a', title: secret }).catch((error) => error);
    expect(failure).toMatchObject({ message: expect.stringContaining('no_secrets') });
    expect(JSON.stringify({ ...failure, message: failure.message, stack: failure.stack })).not.toContain(secret);
    await onDatabase(url, 'alter table threads drop constraint no_secrets');
  });
});

describe('a journal that cannot be opened says in one line what and where, without the password', () => {
  it.each([
    { wrong: 'port', change: { port: '9' }, says: /ECONNREFUSED|refused/ },
    { wrong: 'database', change: { pathname: '/no_such_database' }, says: /"no_such_database" does not exist/ },
    { wrong: 'user', change: { username: 'no_such_user' }, says: /no_such_user/ },
  ])('with a wrong $wrong', async ({ change, says }) => {
    const { href: wrong } = Object.assign(new URL(url) as { href: string }, { password: PASSWORD }, change);
    const failure = await openPostgresJournal({ url: wrong }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'journal.unusable', message: expect.stringMatching(says) });
    expect(failure.message).toContain(placeOf(wrong));
    expect(failure.message).not.toMatch(/\n/);
    expect(String(failure.stack)).not.toContain(PASSWORD);
  });
});
