/**
 * The journal holds what happened and what was said. Whoever writes names a transaction (`transactions/index.ts`) and gives
 * its arguments; whoever reads uses `db`. A store decides how transactions share commits: SQLite in a thread of its own, PostgreSQL by
 * running them side by side.
 */
import type { Kysely, Transaction } from 'kysely';
import type { OutboxKind, Schema } from './schema.ts';
import type { TransactionArgs, TransactionName, TransactionResult } from './transactions/index.ts';

/** Reads. Never used to write: a store may open it read-only. */
export type ReadDb = Kysely<Schema>;
export type Trx = Kysely<Schema> | Transaction<Schema>;

export type StoredEvent = { seq: number; type: string; data: string; created_at: number };

/** What a commit added to a run: `events` are the new ones in order, when the store still has them at hand. */
export type Appended = {
  run_id: string;
  last_seq: number;
  events?: StoredEvent[];
  /** Another process committed it, and counts it. */
  elsewhere?: true;
};

/** What every transaction is given: its clock, and the places where it says what to tell others after the commit. */
export type TransactionContext = {
  /** Milliseconds since 1970; one reading for the whole transaction. */
  now: number;
  appended: Appended[];
  /** Intents that can be delivered as soon as this is committed. */
  intents: Intent[];
};

/** What is to be done outside the journal: kept in the outbox until its effect shows. */
export type Intent = { org_id: string; run_id: string; kind: OutboxKind; ref: string };

export interface Journal {
  readonly store: 'sqlite' | 'postgres';
  readonly db: ReadDb;
  /**
   * Runs one transaction to its commit. Refusals are HoldfastErrors and leave nothing behind.
   * Errors: `journal.unavailable` when the database cannot be reached or is full: nothing was written. `journal.outcome_unknown` when
   * the connection was lost during the commit and nobody could be asked: leases and idempotency keys make a repeat harmless.
   */
  write<N extends TransactionName>(name: N, args: TransactionArgs<N>): Promise<TransactionResult<N>>;
  /** Calls the listener after each commit that appended events, in order for each run. Returns the way to stop. */
  onAppended(listener: (appended: Appended) => void): () => void;
  /**
   * Has commits of other processes to this run told of as well, until the returned function is called. `known` says the newest seq
   * that the watcher has.
   */
  watch(runId: string, known: () => number): () => void;
  /** Calls the listener after each commit that put intents in the outbox, in the process that made it. */
  onIntent(listener: (intent: Intent) => void): () => void;
  /** Tells whoever works on the run, in any process, to stop at once. Best effort: the workflow's cancel is the promise. */
  abortRun(runId: string): void;
  onAbort(listener: (runId: string) => void): () => void;
  /** Round trip to whatever writes. Errors: `journal.unavailable`. */
  ping(): Promise<void>;
  /** Resolves when the store can never be written again by this process, which should then end. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}
