import { EventEmitter } from 'node:events';
import type { Appended, Intent, Journal } from '../journal.ts';
import { subscribe } from '../subscribe.ts';
import type { TransactionArgs, TransactionName, TransactionResult } from '../transactions/index.ts';
import { WatchedRuns } from '../watched-runs.ts';
import { type Append, appendTogether } from './append-together.ts';
import {
  APPEND_CONNECTIONS,
  appendConfig,
  connectionConfig,
  kyselyOn,
  READ_CONNECTIONS,
  Sessions,
  WRITE_CONNECTIONS,
  writeConfig,
} from './connections.ts';
import { unavailable } from './errors.ts';
import { GatheredAppends } from './gathered-appends.ts';
import { migratePostgres } from './migrate-postgres.ts';
import { OrderedTelling } from './ordered-telling.ts';
import { readAfter } from './read-after.ts';
import { type Telling, transact } from './transact.ts';
import { WakeUps } from './wake-ups.ts';

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
  const migrated = await migratePostgres(options.url);
  const onLost = (error: Error) => onTrouble(error, 'an idle connection to PostgreSQL ended');
  const writers = new Sessions(writeConfig(config), WRITE_CONNECTIONS, onLost);
  const appenders = new Sessions(appendConfig(config), APPEND_CONNECTIONS, onLost);
  // Nothing is written past the transactions, not even by mistake.
  const readOnly = { options: '-c default_transaction_read_only=on' };
  const readers = new Sessions({ ...config, ...readOnly }, READ_CONNECTIONS, onLost);
  const db = kyselyOn(readers);
  const emitter = new EventEmitter().setMaxListeners(0);
  const onAppended = (appended: Appended) => void emitter.emit('appended', appended);
  const watched = new WatchedRuns({ db, readAfter: (runs) => readAfter(readers, runs), onAppended, onTrouble });
  const wakeUps = new WakeUps({ config, watched, onTrouble, onAbort: (runId) => void emitter.emit('abort', runId) });
  const telling = new OrderedTelling((appended) => {
    onAppended(appended);
    wakeUps.tell(appended);
  });
  const tellAfter: Telling = (ctx) => {
    const told = telling.expect(ctx.appended);
    return (committed) => {
      told(committed);
      if (committed) for (const intent of ctx.intents) emitter.emit('intent', intent);
    };
  };
  const appends = new GatheredAppends({
    together: (batch) => appendTogether(appenders, batch, tellAfter),
    alone: (append) => transact(writers, 'appendDeltas', append, tellAfter),
  });
  let closed: Promise<void> | undefined;

  async function close(): Promise<void> {
    await wakeUps.close();
    await appenders.end();
    await writers.end();
    await readers.end();
  }

  return {
    store: 'postgres',
    db,
    migrated,
    write<N extends TransactionName>(name: N, args: TransactionArgs<N>) {
      if (name !== 'appendDeltas') return transact(writers, name, args, tellAfter);
      return appends.append(args as Append) as Promise<TransactionResult<N>>;
    },
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
