/** What an error of PostgreSQL, or of the connection to it, means to whoever writes and reads. */
import { DatabaseError } from 'pg';
import { HoldfastError } from '../../errors.ts';
import { TransactionConflict } from '../exclusive.ts';

/** Seconds after which a client may try again. */
const UNAVAILABLE_RETRY_S = 5;
/** A deadlock, or a transaction that another one got in the way of. */
const CONFLICTS = ['40P01', '40001'];
/** Classes of SQLSTATE in which the database, not the statement, is at fault: connection, resources, operator, system. */
const UNAVAILABLE_CLASSES = ['08', '53', '57', '58', '28'];
/** Single states of the same kind: a lock not had in time, a read-only server, a session ended for idling, a database gone. */
const UNAVAILABLE_STATES = ['55P03', '25006', '25P03', '25P04', '3D000'];

/** Whether the same transaction, begun again, may succeed. */
export function isConflict(error: unknown): boolean {
  if (error instanceof DatabaseError) return CONFLICTS.includes(error.code ?? '');
  return error instanceof TransactionConflict;
}

/** Whether PostgreSQL itself refused the statement and the session goes on: what it was asked for was not done. */
export function isRefusal(error: unknown): boolean {
  const original = error instanceof HoldfastError ? error.cause : error;
  return original instanceof DatabaseError && original.severity === 'ERROR';
}

/**
 * The error that callers see: `journal.unavailable` where the database cannot be reached, is full, read-only or too busy; any other
 * as it is, without the parts that quote rows of a tenant.
 */
export function asJournalError(error: unknown): unknown {
  if (error instanceof DatabaseError) {
    for (const quoting of ['detail', 'where', 'internalQuery'] as const) error[quoting] = undefined;
    return isUnavailable(error.code ?? '') ? unavailable(error) : error;
  }
  // What has no SQLSTATE comes from the connection, unless the program itself is wrong.
  const isOurs = error instanceof HoldfastError || error instanceof TypeError || error instanceof RangeError;
  return isOurs ? error : unavailable(error);
}

const isUnavailable = (state: string) =>
  UNAVAILABLE_STATES.includes(state) || UNAVAILABLE_CLASSES.includes(state.slice(0, 2));

export function unavailable(cause: unknown): HoldfastError {
  return new HoldfastError('journal.unavailable', `The journal cannot be reached: ${reasonOf(cause)}.`, {
    retryAfterS: UNAVAILABLE_RETRY_S,
    cause,
  });
}

/** The commit was sent, and the database could not say what became of it: not `journal.unavailable`, which promises that nothing was written. */
export function outcomeUnknown(cause: unknown): HoldfastError {
  const message = `The journal was lost during a commit, which may have happened: ${reasonOf(cause)}. Repeat with the same Idempotency-Key.`;
  return new HoldfastError('journal.outcome_unknown', message, { retryAfterS: UNAVAILABLE_RETRY_S, cause });
}

/** An error's words without a full stop; a failed connection to several addresses of a host has them in its parts only. */
export function reasonOf(error: unknown): string {
  const parts: unknown[] = error instanceof AggregateError ? error.errors : [error];
  const words = parts.map((part) => (part instanceof Error ? part.message : String(part)));
  return [...new Set(words)].join('; ').replace(/\.$/, '');
}
