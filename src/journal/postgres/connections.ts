/** Connections to PostgreSQL: their bounds in number and time, and what every statement goes through. */
import { Kysely, type PostgresClient, PostgresDialect, type PostgresPool, type PostgresQueryResult } from 'kysely';
import { type ClientConfig, Pool, type PoolClient, types } from 'pg';
import { HoldfastError } from '../../errors.ts';
import type { Schema } from '../schema.ts';
import { ByteOrder } from './byte-order.ts';
import { asJournalError, isRefusal } from './errors.ts';

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
/** The server ends a statement in time; this is for a network that swallows its answer. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 3_000;

const INT8 = 20;
const RECOVERY = 'select stats_reset::text as began from pg_stat_bgwriter';

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

/**
 * For batches of appends: statements are sent without waiting for the answer to those before, and planned once, for rows that are looked
 * up by their keys: a plan that reads a table which is small would be kept while it grows.
 */
export function appendConfig(config: ClientConfig): ClientConfig {
  return { ...config, pipeline: true, options: '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off' };
}

/** One connection of a pool, while it is taken. Errors of its statements are the journal's (`asJournalError`). */
export class Session {
  readonly #client: PoolClient;
  /** Something other than a refusal went wrong on it: it can only be ended. */
  isBroken = false;

  #recovery: string | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /** With a name the statement is parsed once a connection; a name belongs to one text. */
  async query<R>(sql: string, parameters: readonly unknown[] = [], name?: string): Promise<PostgresQueryResult<R>> {
    try {
      const query = { text: sql, values: parameters.map(storable), ...(name === undefined ? {} : { name }) };
      return (await this.#client.query(query)) as unknown as PostgresQueryResult<R>;
    } catch (error) {
      // An answer that comes late would be taken for that of the next statement.
      if (!isRefusal(error)) this.isBroken = true;
      throw asJournalError(error);
    }
  }

  /**
   * By which recovery the database came to serve this session: another one after each crash, and no session outlives one. It is when the
   * statistics began, which a recovery discards (also who resets them gives another). Asked once a connection.
   */
  async recovery(): Promise<string> {
    this.#recovery ??= (await this.query<{ began: string }>(RECOVERY)).rows[0]?.began;
    return this.#recovery ?? '';
  }

  /** Gives the connection back, or ends it where it is broken or `destroy` says so. */
  release(destroy = false): void {
    this.#client.release(destroy || this.isBroken);
  }
}

/** PostgreSQL's text holds no NUL, which SQLite's does; JSON has it escaped. */
function storable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(storable);
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
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

/** Kysely on one session, whose statements wait for each other. */
export function kyselyOnSession(session: Session): Kysely<Schema> {
  let last = Promise.resolve();
  const alone = {
    query: <R>(sql: string, parameters: readonly unknown[] = []): Promise<PostgresQueryResult<R>> => {
      const result = last.then(() => session.query<R>(sql, parameters));
      last = result.then(
        () => undefined,
        () => undefined,
      );
      return result;
    },
    release: () => undefined,
  };
  return kyselyOn({
    options: {},
    connect: async () => alone as typeof alone & Pick<PostgresClient, 'query'>,
    end: async () => undefined,
  });
}
