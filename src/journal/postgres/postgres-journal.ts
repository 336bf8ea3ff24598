import { EventEmitter } from 'node:events';
import { HoldfastError } from '../../errors.ts';
import type { Appended, Intent, Journal } from '../journal.ts';
import { migrate } from '../migrate.ts';
import { subscribe } from '../subscribe.ts';
import type { TransactionArgs, TransactionName } from '../transactions/index.ts';
import { WatchedRuns } from '../watched-runs.ts';
import { connectionConfig, kyselyOn, READ_CONNECTIONS, Sessions, WRITE_CONNECTIONS } from './connections.ts';
import { reasonOf, unavailable } from './errors.ts';
import { OrderedTelling } from './ordered-telling.ts';
import { readAfter } from './read-after.ts';
import { transact } from './transact.ts';
import { WakeUps } from './wake-ups.ts';

/** `pg_xact_status`, by which a lost commit is asked for, came with it. */
const OLDEST_VERSION = 130_000;
/** How long one statement of a migration may take, the wait for another process that migrates included. */
const MIGRATION_STATEMENT_TIMEOUT_MS = 600_000;

export type PostgresOptions = {
  url: string;
  /** Told of what went wrong where nobody waits: a lost idle connection, a wake-up that was not sent. */
  onTrouble?: (error: unknown, what: string) => void;
};

/**
 * Opens and migrates the journal in a PostgreSQL database. Any number of processes may have it open: runs commit in parallel, one
 * transaction taking its run's row first. Errors: `journal.unusable` naming the place, `journal.migration_failed`, `journal.too_new`.
 */
export async function openPostgresJournal(options: PostgresOptions): Promise<Journal & { migrated: string[] }> {
  const onTrouble = options.onTrouble ?? (() => undefined);
  const config = connectionConfig(options.url);
  const migrated = await prepare(options.url);
  const onLost = (error: Error) => onTrouble(error, 'an idle connection to PostgreSQL ended');
  const writers = new Sessions(config, WRITE_CONNECTIONS, onLost);
  // Nothing is written past the transactions, not even by mistake.
  const readOnly = { options: '-c default_transaction_read_only=on' };
  const readers = new Sessions({ ...config, ...readOnly }, READ_CONNECTIONS, onLost);
  const db = kyselyOn(readers);
  const emitter = new EventEmitter().setMaxListeners(0);
  const onAppended = (appended: Appended) => void emitter.emit('appended', appended);
  const watched = new WatchedRuns({ db, readAfter, onAppended, onTrouble });
  const wakeUps = new WakeUps({ config, watched, onTrouble, onAbort: (runId) => void emitter.emit('abort', runId) });
  const telling = new OrderedTelling((appended) => {
    onAppended(appended);
    wakeUps.tell(appended);
  });
  let closed: Promise<void> | undefined;

  async function close(): Promise<void> {
    await wakeUps.close();
    await writers.end();
    await readers.end();
  }

  return {
    store: 'postgres',
    db,
    migrated,
    write: <N extends TransactionName>(name: N, args: TransactionArgs<N>) =>
      transact(writers, name, args, (ctx) => {
        const told = telling.expect(ctx.appended);
        return (committed) => {
          told(committed);
          if (committed) for (const intent of ctx.intents) emitter.emit('intent', intent);
        };
      }),
    onAppended: (listener) => subscribe<Appended>(emitter, 'appended', listener),
    onIntent: (listener) => subscribe<Intent>(emitter, 'intent', listener),
    watch: (runId, known) => watched.watch(runId, known),
    abortRun(runId) {
      emitter.emit('abort', runId);
      wakeUps.abort(runId);
    },
    onAbort: (listener) => subscribe<string>(emitter, 'abort', listener),
    ping: () => checkWritable(writers),
    // A connection that was lost is made again, as often as it takes.
    lost: new Promise<never>(() => undefined),
    close: () => (closed ??= close()),
  };
}

/** Checks the server and migrates, on a connection of its own with time for it. Gives the names of the migrations that ran. */
async function prepare(url: string): Promise<string[]> {
  const limits = { statement_timeout: MIGRATION_STATEMENT_TIMEOUT_MS, query_timeout: 0 };
  const connections = new Sessions({ ...connectionConfig(url), ...limits }, 1, () => undefined);
  try {
    const version = await versionOf(connections);
    if (version < OLDEST_VERSION)
      throw new Error(`PostgreSQL 13 or newer is needed, this is ${Math.floor(version / 10_000)}`);
    return await migrate(kyselyOn(connections));
  } catch (error) {
    if (error instanceof HoldfastError && error.code !== 'journal.unavailable') throw error;
    const cause = error instanceof HoldfastError ? error.cause : error;
    throw new HoldfastError('journal.unusable', `${placeOf(url)}: ${reasonOf(cause)}.`, { cause });
  } finally {
    await connections.end();
  }
}

async function versionOf(connections: Sessions): Promise<number> {
  const session = await connections.take();
  try {
    const sql = "select current_setting('server_version_num')::int as version";
    return (await session.query<{ version: number }>(sql)).rows[0]?.version ?? 0;
  } finally {
    session.release();
  }
}

/** `DATABASE_URL (user@host:port/database)`: where it points to, without its password and parameters. */
export function placeOf(url: string): string {
  const { username, host, pathname } = new URL(url);
  return `DATABASE_URL (${username === '' ? '' : `${username}@`}${host}${pathname})`;
}

/** Errors: `journal.unavailable`, also where the server takes no writes. */
async function checkWritable(connections: Sessions): Promise<void> {
  const session = await connections.take();
  try {
    const { rows } = await session.query<{ mode: string }>("select current_setting('transaction_read_only') as mode");
    if (rows[0]?.mode === 'on') throw unavailable(new Error('the database is read-only'));
  } finally {
    session.release();
  }
}
