/** Statements that go along with the next one: how they are sent, and whose error theirs is. */
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDatabase, onDatabase, throughProxy } from '../../../test/support/postgres-database.ts';
import { startProxy } from '../../../test/support/proxy.ts';
import { connectionConfig, Sessions, writeConfig } from './connections.ts';
import { kyselyOnSession } from './kysely-on-session.ts';
import type { Session } from './session.ts';
import { begin, throughCommit } from './transact.ts';

let url: string;
let pool: Sessions;
/** What the client has sent, by the pieces in which it came. */
let sent: string[];
let port: number;
let closeProxy: () => Promise<void>;
let taken: Session | undefined;
beforeEach(async () => {
  url = await createDatabase();
  await onDatabase(url, 'create table meta (key text primary key, value text not null)');
  sent = [];
  const proxy = await startProxy(new URL(url).host, {
    tap(chunk, from) {
      if (from === 'client') sent.push(chunk.toString());
      return true;
    },
  });
  closeProxy = proxy.close;
  port = Number(new URL(`tcp://${proxy.address}`).port);
  pool = new Sessions(writeConfig(connectionConfig(throughProxy(url, proxy))), 1, () => undefined);
});
afterEach(async () => {
  taken?.release(true);
  taken = undefined;
  await pool.end();
  await closeProxy();
});

async function take(): Promise<Session> {
  taken = await pool.take();
  return taken;
}
const stored = () => onDatabase(url, 'select key, value from meta order by key');
const put = (session: Session, key: string, value = '') =>
  kyselyOnSession(session).insertInto('meta').values({ key, value }).execute();

describe('what is only written', () => {
  it('goes with the next statement that is answered, in its order', async () => {
    const session = await take();
    const db = kyselyOnSession(session);
    await begin(session);
    sent.length = 0;
    await put(session, 'a', 'first');
    await db.updateTable('meta').set({ value: 'second' }).where('key', '=', 'a').execute();
    await put(session, 'b');
    await db.deleteFrom('meta').where('key', '=', 'b').execute();
    expect(await db.selectFrom('meta').selectAll().execute()).toEqual([{ key: 'a', value: 'second' }]);
    expect(sent.map((piece) => piece.match(/insert|update|delete|select/g))).toEqual([
      ['insert', 'update', 'insert', 'delete', 'select'],
    ]);
    await session.query('rollback');
  });

  it('goes with the commit at the latest', async () => {
    const session = await take();
    await begin(session);
    sent.length = 0;
    await put(session, 'a');
    await session.query('commit');
    expect(sent.map((piece) => piece.match(/insert|commit/g))).toEqual([['insert', 'commit']]);
    expect(await stored()).toEqual([{ key: 'a', value: '' }]);
  });

  it('goes by one system call, with all that is asked at the same moment', async () => {
    const session = await take();
    await begin(session);
    const writes = [vi.spyOn(Socket.prototype, '_write'), vi.spyOn(Socket.prototype, '_writev')];
    onTestFinished(() => writes.forEach((spy) => void spy.mockRestore()));
    await put(session, 'a');
    await Promise.all([session.query('select 1'), session.query('select 2')]);
    const sockets = writes.flatMap((spy) => spy.mock.contexts as Socket[]);
    expect(sockets.filter((socket) => socket.remotePort === port)).toHaveLength(1);
  });

  it('is answered where it is asked to be', async () => {
    const session = await take();
    await begin(session);
    const returned = kyselyOnSession(session).insertInto('meta').values({ key: 'a', value: 'b' }).returning('value');
    expect(await returned.execute()).toEqual([{ value: 'b' }]);
    await session.query('rollback');
  });
});

describe('a refused write', () => {
  const TWICE = { code: '23505' };

  it('fails the statement that it went with, by its own error, and the session goes on', async () => {
    const session = await take();
    await begin(session);
    await put(session, 'a');
    await put(session, 'a');
    await put(session, 'b');
    await expect(session.query('select 1')).rejects.toMatchObject(TWICE);
    await session.query('rollback');
    expect(session.isBroken).toBe(false);
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(await stored()).toEqual([]);
  });

  it('takes its transaction with it, and nobody is told', async () => {
    const told: boolean[] = [];
    const twice = throughCommit(pool, noting(told), async (session) => {
      const { xid, now } = await begin(session);
      await put(session, 'a');
      await put(session, 'a');
      return { value: undefined, xid, ctx: { now, appended: [], intents: [] } };
    });
    await expect(twice).rejects.toMatchObject(TWICE);
    expect([told, await stored()]).toEqual([[false], []]);
  });

  it('has its transaction begun again where another one was in the way', async () => {
    const told: boolean[] = [];
    let attempts = 0;
    const value = await throughCommit(pool, noting(told), async (session) => {
      const { xid, now } = await begin(session);
      await put(session, `attempt ${++attempts}`);
      if (attempts === 1) session.along(`do $$ begin raise exception using errcode = '40P01'; end $$`, []);
      return { value: attempts, xid, ctx: { now, appended: [], intents: [] } };
    });
    expect([value, told]).toEqual([2, [false, true]]);
    expect(await stored()).toEqual([{ key: 'attempt 2', value: '' }]);
  });
});

describe('a write that cannot be sent', () => {
  it('takes its transaction with it: nothing else is sent on its connection', async () => {
    const told: boolean[] = [];
    const unsent = throughCommit(pool, noting(told), async (session) => {
      const { xid, now } = await begin(session);
      await put(session, 'a');
      await put(session, 'b', Object.assign(Object.create(null), { toPostgres: raise }));
      await put(session, 'c');
      return { value: undefined, xid, ctx: { now, appended: [], intents: [] } };
    });
    await expect(unsent).rejects.toThrow('no such value');
    expect([told, await stored()]).toEqual([[false], []]);
    expect(sent.join()).not.toContain('commit\0');
  });

  const raise = () => {
    throw new RangeError('no such value');
  };
});

const noting = (told: boolean[]) => () => (committed: boolean) => void told.push(committed);
