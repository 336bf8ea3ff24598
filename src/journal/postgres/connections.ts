/** Connections to PostgreSQL, and their bounds in number and time. */
import { Kysely, type PostgresClient, PostgresDialect, type PostgresPool } from 'kysely';
import { type ClientConfig, Pool, type PoolClient, types } from 'pg';
import { HoldfastError } from '../../errors.ts';
import type { Schema } from '../schema.ts';
import { ByteOrder } from './byte-order.ts';
import { asJournalError } from './errors.ts';
import { Session } from './session.ts';

/** Transactions that a process commits at a time. With the readers, the one for wake-ups and that of appends it takes 20 connections. */
export const WRITE_CONNECTIONS = 12;
export const READ_CONNECTIONS = 6;
/** Batches of appends that are committed at a time, each on a connection of its own: what is said waits behind no other transaction. */
export const APPEND_CONNECTIONS = 1;
/** Statements that may wait for a connection; beyond it the journal answers `journal.unavailable`. */
export const MAX_WAITING = 5_000;
/** How long it takes at most to have a connection, made or waited for. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** A process that is frozen in the midst of a transaction keeps its rows from others this long. */
export const IDLE_IN_TRANSACTION_MS = 5_000;
/** How long a statement waits for a row: longer than a frozen process can keep it. */
export const LOCK_TIMEOUT_MS = 8_000;
export const STATEMENT_TIMEOUT_MS = 15_000;
/** The server ends a statement in time; this is for a network that swallows the answers of a flight. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 3_000;

const INT8 = 20;

/** What every connection is made with. `bigint` columns hold milliseconds and counts: numbers, parsed here and nowhere else. */
export function connectionConfig(url: string): ClientConfig {
  return {
    connectionString: url,
    application_name: 'holdfast',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : types.getTypeParser(oid, format ?? 'text')) as typeof types.getTypeParser,
    },
  };
}

/** For transactions: statements are sent without waiting for the answer to those before. */
export function writeConfig(config: ClientConfig): ClientConfig {
  return { ...config, pipeline: true };
}

/**
 * For batches of appends: as for transactions, and planned once, for rows that are looked up by their keys: a plan that reads a table
 * which is small would be kept while it grows.
 */
export function appendConfig(config: ClientConfig): ClientConfig {
  return { ...writeConfig(config), options: '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off' };
}

/** A bounded pool of sessions. `onLost` is told of idle connections that end. */
export class Sessions implements PostgresPool {
  readonly options = {};
  readonly #pool: Pool;
  readonly #sessions = new WeakMap<PoolClient, Session>();

  constructor(config: ClientConfig, max: number, onLost: (error: Error) => void) {
    this.#pool = new Pool({ ...config, max });
    this.#pool.on('error', onLost);
    // One that ends while it is taken fails its statement; unheard, it would end the process too.
    this.#pool.on('connect', (client) => void client.on('error', () => undefined));
  }

  /** Errors: `journal.unavailable`. */
  async take(): Promise<Session> {
    if (this.#pool.ending) throw new HoldfastError('journal.unavailable', 'The journal is closed.');
    if (this.#pool.waitingCount >= MAX_WAITING) {
      throw new HoldfastError('journal.unavailable', 'Too many statements wait for the database.', { retryAfterS: 1 });
    }
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw asJournalError(error);
    });
    const known = this.#sessions.get(client);
    if (known) return known;
    const session = new Session(client);
    this.#sessions.set(client, session);
    return session;
  }

  /** As Kysely takes a connection. */
  connect() {
    return this.take() as Promise<Session & Pick<PostgresClient, 'query'>>;
  }

  async end(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }
}

export function kyselyOn(pool: PostgresPool): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }), plugins: [new ByteOrder()] });
}
