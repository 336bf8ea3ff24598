/** One connection of a pool, while it is taken: what every statement goes through. */
import type { PostgresQueryResult } from 'kysely';
import type { PoolClient } from 'pg';
import { asJournalError, isRefusal } from './errors.ts';

/** Errors of its statements are the journal's (`asJournalError`). */
export class Session {
  readonly #client: PoolClient;
  /** What became of each statement that went, or is to go, along with another: its error, if it had one. */
  #along: Promise<unknown>[] = [];
  /** Something other than a refusal went wrong on it: it can only be ended. */
  isBroken = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /**
   * With a name the statement is parsed once a connection; a name belongs to one text. Takes along what `along` has been given, and
   * fails with the first error of those.
   */
  async query<R>(sql: string, parameters: readonly unknown[] = [], name?: string): Promise<PostgresQueryResult<R>> {
    const before = this.#along;
    const answer = Promise.allSettled([this.#send<R>(sql, parameters, name)]);
    this.#depart();
    for (const failed of await Promise.all(before)) if (failed !== undefined) throw failed;
    const [settled] = await answer;
    if (settled.status === 'rejected') throw settled.reason;
    return settled.value;
  }

  /**
   * For a statement of a transaction whose rows nobody asks for: it is sent with the next `query`, in its order, by one system call and
   * without a round trip of its own. An error of it is that query's, and PostgreSQL does nothing more in the transaction.
   */
  along(sql: string, parameters: readonly unknown[]): void {
    if (this.#along.length === 0) this.#client.connection.stream.cork();
    const failed = this.#send(sql, parameters).then(
      () => undefined,
      (error: unknown) => error,
    );
    this.#along.push(failed);
  }

  /** Gives the connection back, or ends it where it is broken or `destroy` says so. */
  release(destroy = false): void {
    this.#depart();
    this.#client.release(destroy || this.isBroken);
  }

  /** What waits in the socket is written, all of it at once. */
  #depart(): void {
    if (this.#along.length === 0) return;
    this.#along = [];
    this.#client.connection.stream.uncork();
  }

  async #send<R>(sql: string, parameters: readonly unknown[], name?: string): Promise<PostgresQueryResult<R>> {
    try {
      const query = { text: sql, values: parameters.map(storable), ...(name === undefined ? {} : { name }) };
      return (await this.#client.query(query)) as unknown as PostgresQueryResult<R>;
    } catch (error) {
      // An answer that comes late would be taken for that of the next statement.
      if (!isRefusal(error)) this.isBroken = true;
      throw asJournalError(error);
    }
  }
}

/** PostgreSQL's text holds no NUL, which SQLite's does; JSON has it escaped. */
function storable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(storable);
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}
