/**
 * Kysely on one session that has a transaction begun. What is only written (an insert, update or delete without `returning`) goes along
 * with the next statement that has an answer, the commit at the latest: a transaction waits for few answers that it does not need.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type RootOperationNode,
} from 'kysely';
import type { Schema } from '../schema.ts';
import { ByteOrder } from './byte-order.ts';
import type { Session } from './session.ts';

export function kyselyOnSession(session: Session): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new OnSession(session),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    plugins: [new ByteOrder()],
  });
}

/** So many writes go along with one that is waited for: a loop of them leaves the process time for others, and the database sees some. */
export const MAX_ALONG = 64;

/** Begin and commit are the caller's. */
class OnSession extends DummyDriver {
  readonly #connection: DatabaseConnection;

  constructor(session: Session) {
    super();
    this.#connection = new Statements(session);
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }
}

class Statements implements DatabaseConnection {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async executeQuery<R>({ query, sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (isAnswered(query) || this.#session.waiting === MAX_ALONG)
      return { rows: (await this.#session.query<R>(sql, parameters)).rows };
    this.#session.along(sql, parameters);
    return { rows: [] };
  }

  // biome-ignore lint/correctness/useYield: no transaction reads row by row.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('a transaction reads no stream');
  }
}

/** Whether anybody looks at what the statement gives. No transaction counts the rows that it changed: it has them returned. */
function isAnswered(query: RootOperationNode): boolean {
  const isWrite =
    query.kind === 'InsertQueryNode' || query.kind === 'UpdateQueryNode' || query.kind === 'DeleteQueryNode';
  return !isWrite || query.returning !== undefined;
}
