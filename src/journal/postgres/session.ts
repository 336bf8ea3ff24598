/** One connection of a pool, while it is taken: what every statement goes through. */
import type { PostgresQueryResult } from 'kysely';
import type { PoolClient } from 'pg';
import { asJournalError, isRefusal } from './errors.ts';

const RECOVERY = 'select stats_reset::text as began from pg_stat_bgwriter';

/** Errors of its statements are the journal's (`asJournalError`). */
export class Session {
  readonly #client: PoolClient;
  /** What became of each statement that went, or is to go, along with another: its error, if it had one. */
  #along: Promise<unknown>[] = [];
  #isGathering = false;
  /** What went wrong on it, other than a refusal: it can only be ended. */
  #brokenBy: unknown;
  #recovery: string | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  get isBroken(): boolean {
    return this.#brokenBy !== undefined;
  }

  /** How many statements are to go along with the next query. */
  get waiting(): number {
    return this.#along.length;
  }

  /**
   * With a name the statement is parsed once a connection; a name belongs to one text. Takes along what `along` has been given, and
   * fails with the first error of those. Statements that are asked at the same moment are sent by one system call. On a session that is
   * broken nothing is sent: a commit must not follow a statement that never reached the database.
   */
  async query<R>(sql: string, parameters: readonly unknown[] = [], name?: string): Promise<PostgresQueryResult<R>> {
    if (this.#brokenBy !== undefined) throw this.#brokenBy;
    const before = this.#along;
    this.#along = [];
    this.#gather();
    const answer = Promise.allSettled([this.#send<R>(sql, parameters, name)]);
    process.nextTick(() => this.#depart());
    const failures = await Promise.all(before);
    const [settled] = await answer;
    for (const failed of failures) if (failed !== undefined) throw failed;
    if (settled.status === 'rejected') throw settled.reason;
    return settled.value;
  }

  /**
   * For a statement of a transaction whose answer nobody waits for: it is sent with the next `query`, in its order, without a round trip
   * of its own. An error of it is that query's; refused, the transaction does nothing more. `onAnswer` is called before the query has
   * its own.
   */
  along(sql: string, parameters: readonly unknown[] = [], onAnswer: (answer: unknown) => void = () => undefined): void {
    this.#gather();
    const failed = this.#send(sql, parameters).then(
      (answer) => onAnswer(answer),
      (error: unknown) => error,
    );
    this.#along.push(failed);
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
    this.#depart();
    this.#client.release(destroy || this.isBroken);
  }

  /** What is sent from now on waits in the socket. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#client.connection.stream.cork();
  }

  #depart(): void {
    if (!this.#isGathering) return;
    this.#isGathering = false;
    this.#client.connection.stream.uncork();
  }

  async #send<R>(sql: string, parameters: readonly unknown[], name?: string): Promise<PostgresQueryResult<R>> {
    try {
      const query = { text: sql, values: parameters.map(storable), ...(name === undefined ? {} : { name }) };
      return (await this.#client.query(query)) as unknown as PostgresQueryResult<R>;
    } catch (error) {
      // An answer that comes late would be taken for that of the next statement.
      const known = asJournalError(error);
      if (!isRefusal(error)) this.#brokenBy ??= known;
      throw known;
    }
  }
}

/** PostgreSQL's text holds no NUL, which SQLite's does; JSON has it escaped. */
function storable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(storable);
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}
