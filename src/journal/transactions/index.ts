/**
 * Every way to write to the journal, by name. Arguments and results cross a thread, so they are plain data. A transaction is
 * written once, in Kysely, for every store.
 */
import type { TransactionContext, Trx } from '../journal.ts';
import { giveAliases } from './aliases.ts';
import { answerAll, answerInput } from './answer-input.ts';
import { appendDeltas } from './append-deltas.ts';
import { beginTurn } from './begin-turn.ts';
import { cancelChildren, requestCancel } from './cancel-run.ts';
import { completeTurn } from './complete-turn.ts';
import { createChild } from './create-child.ts';
import { createRun } from './create-run.ts';
import { claimIntents, expediteIntents, loadRun, rebuildRun, setMeta } from './engine.ts';
import { failAttempt } from './fail-attempt.ts';
import { expireInput, finishRun } from './finish-run.ts';
import { purgeIdempotency } from './idempotency.ts';
import { createFirstKey, createKey, revokeKey } from './keys.ts';
import { createMessage, deleteMessage, updateMessage } from './messages.ts';
import { noteWorker } from './note-worker.ts';
import { createPersona, deletePersona, syncPersonas, updatePersona } from './personas.ts';
import { purgeDeletedThreads, purgeRuns, purgeThreads } from './purge.ts';
import { addRunMessage } from './run-messages.ts';
import { createThread, deleteThread, purgeDeleted, updateThread } from './threads.ts';
import { beginCall, completeCall, releaseCall } from './tool-call.ts';
import { updateRun } from './update-run.ts';

export const transactions = {
  addRunMessage,
  answerAll,
  answerInput,
  appendDeltas,
  beginCall,
  beginTurn,
  cancelChildren,
  claimIntents,
  completeCall,
  completeTurn,
  createChild,
  createFirstKey,
  createKey,
  createMessage,
  createPersona,
  createRun,
  createThread,
  deleteMessage,
  deletePersona,
  deleteThread,
  expediteIntents,
  expireInput,
  failAttempt,
  finishRun,
  giveAliases,
  loadRun,
  noteWorker,
  purgeDeleted,
  purgeDeletedThreads,
  purgeIdempotency,
  purgeRuns,
  purgeThreads,
  rebuildRun,
  releaseCall,
  requestCancel,
  revokeKey,
  setMeta,
  syncPersonas,
  updateMessage,
  updatePersona,
  updateRun,
  updateThread,
};

export type TransactionName = keyof typeof transactions;
export type TransactionArgs<N extends TransactionName> = Parameters<(typeof transactions)[N]>[1];
export type TransactionResult<N extends TransactionName> = Awaited<ReturnType<(typeof transactions)[N]>>;

/** Those that take a run (`lockRun`) before they do or need anything else: also the time, which is told with the run. */
export const TAKES_RUN_FIRST: ReadonlySet<TransactionName> = new Set<TransactionName>([
  'beginCall',
  'beginTurn',
  'cancelChildren',
  'completeCall',
  'completeTurn',
  'expireInput',
  'failAttempt',
  'finishRun',
  'loadRun',
  'rebuildRun',
  'releaseCall',
]);

/** Runs one by name inside a transaction that the caller has begun. */
export async function runTransaction<N extends TransactionName>(
  name: N,
  trx: Trx,
  args: TransactionArgs<N>,
  ctx: TransactionContext,
): Promise<TransactionResult<N>> {
  const run = transactions[name] as (trx: Trx, args: unknown, ctx: TransactionContext) => Promise<unknown>;
  return (await run(trx, args, ctx)) as TransactionResult<N>;
}
