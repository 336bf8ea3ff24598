import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Kysely, SqliteDialect } from 'kysely';
import { HoldfastError } from '../../errors.ts';
import type { Appended, Journal } from '../journal.ts';
import { appendBytes, roughBytes } from '../rough-bytes.ts';
import type { Schema } from '../schema.ts';
import { subscribe } from '../subscribe.ts';
import type { TransactionArgs, TransactionName, TransactionResult } from '../transactions/index.ts';
import { WatchedRuns } from '../watched-runs.ts';
import { asKyselyDatabase, openDatabase } from './database.ts';
import type { WriterError, WriterOptions, WriterReply, WriterRequest } from './messages.ts';

/** Writes that may wait for their commit at a time; beyond it the journal answers `journal.unavailable`. */
export const MAX_PENDING_WRITES = 20_000;
/** Bytes of them, roughly; a single write may be larger. */
export const MAX_PENDING_BYTES = 64 * 1_048_576;
const OVERLOAD_RETRY_S = 1;
/** How late a watched run shows what another process (`holdfast doctor --repair`) appended: it cannot wake us. */
const WATCHED_EVERY_MS = 5_000;

export type SqliteJournal = Journal & {
  migrated: string[];
  /** Sets the file's upper bound, as `max_pages` does: how a test fills the disk and makes room again. */
  setMaxPages(pages: number): Promise<void>;
};

type Pending = { resolve: (value: unknown) => void; reject: (error: Error) => void; bytes: number };
/** A request before it has its number. */
type Unnumbered<T> = T extends { id: number } ? Omit<T, 'id'> : never;

/**
 * Opens (and creates, and migrates) the journal in one SQLite file: one writer in its own thread, reads on this one.
 * `onTrouble` is told of what goes wrong beside a request.
 * Errors: `journal.unavailable`, `journal.migration_failed`, `journal.too_new`.
 */
export async function openSqliteJournal(
  options: WriterOptions,
  onTrouble: (error: unknown, what: string) => void = rethrow,
): Promise<SqliteJournal> {
  const writer = new Worker(new URL('./writer.ts', import.meta.url), { workerData: options });
  const pending = new Map<number, Pending>();
  let pendingBytes = 0;
  const emitter = new EventEmitter().setMaxListeners(0);
  const lost = Promise.withResolvers<Error>();
  let nextId = 1;
  let closed = false;

  const migrated = await new Promise<string[]>((resolve, reject) => {
    writer.on('message', (message: WriterReply) => {
      if (message.kind === 'ready') return resolve(message.migrated);
      if (message.kind === 'failed') {
        void writer.terminate();
        return reject(unusable(options.path, asError(message.error)));
      }
      for (const appended of message.appended) emitter.emit('appended', appended);
      for (const result of message.results) pendingBytes -= settle(pending, result);
      for (const intent of message.intents) emitter.emit('intent', intent);
    });
    writer.on('error', (error) => {
      reject(unusable(options.path, error as Error));
      if (!closed) lost.resolve(error as Error);
    });
    writer.on('exit', () => {
      reject(new Error('the SQLite writer ended'));
      if (!closed) lost.resolve(new HoldfastError('journal.lost', 'The SQLite writer ended by itself.'));
      closed = true;
      const gone = new HoldfastError('journal.unavailable', 'The journal is closed.');
      for (const waiting of pending.values()) waiting.reject(gone);
      pending.clear();
    });
  });
  const reader = openDatabase(options.path, 'reader');
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: asKyselyDatabase(reader) }) });

  const watched = new WatchedRuns({ db, onAppended: (it) => void emitter.emit('appended', it), onTrouble });
  const watching = setInterval(() => void watched.poll(), WATCHED_EVERY_MS).unref();

  const outgoing: WriterRequest[] = [];
  const send = () => writer.postMessage(outgoing.splice(0));
  const ask = (request: Unnumbered<WriterRequest>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new HoldfastError('journal.unavailable', 'The journal is closed.'));
      const bytes = request.kind === 'write' ? bytesOf(request) : 0;
      const tooMuch = pendingBytes > 0 && pendingBytes + bytes > MAX_PENDING_BYTES;
      if (request.kind === 'write' && (tooMuch || pending.size >= MAX_PENDING_WRITES)) {
        return reject(
          new HoldfastError('journal.unavailable', 'Too many writes wait for the disk.', {
            retryAfterS: OVERLOAD_RETRY_S,
          }),
        );
      }
      const id = nextId++;
      // What one turn of the event loop asks for goes over together: a message to a thread costs as much as a small write.
      if (outgoing.push({ ...request, id } as WriterRequest) === 1) setImmediate(send);
      pending.set(id, { resolve, reject, bytes });
      pendingBytes += bytes;
    });

  return {
    store: 'sqlite',
    db,
    migrated,
    write: <N extends TransactionName>(name: N, args: TransactionArgs<N>) =>
      ask({ kind: 'write', name, args }) as Promise<TransactionResult<N>>,
    onAppended: (listener) => subscribe(emitter, 'appended', listener as (value: Appended) => void),
    watch: (runId, known) => watched.watch(runId, known),
    onIntent: (listener) => subscribe(emitter, 'intent', listener),
    abortRun: (runId) => void emitter.emit('abort', runId),
    onAbort: (listener) => subscribe(emitter, 'abort', listener),
    ping: async () => void (await ask({ kind: 'ping' })),
    lost: lost.promise,
    setMaxPages: async (pages) => void (await ask({ kind: 'set_max_pages', max_pages: pages })),
    async close() {
      if (closed) return;
      const done = ask({ kind: 'close' });
      closed = true;
      clearInterval(watching);
      await done;
      await writer.terminate();
      reader.close();
    },
  };
}

const bytesOf = ({ name, args }: { name: TransactionName; args: unknown }): number =>
  name === 'appendDeltas' ? appendBytes(args as TransactionArgs<'appendDeltas'>) : roughBytes(args);

function rethrow(error: unknown): never {
  throw error;
}

/** Why the file cannot be used, naming it; what has a code of its own says enough. */
function unusable(path: string, error: Error): Error {
  if (error instanceof HoldfastError && error.code !== 'journal.unavailable') return error;
  return new HoldfastError('journal.unusable', `${path}: ${error.message}`, { cause: error });
}

/** Gives the bytes that no longer wait. */
function settle(pending: Map<number, Pending>, result: { id: number; value?: unknown; error?: WriterError }): number {
  const waiting = pending.get(result.id);
  pending.delete(result.id);
  if (result.error) waiting?.reject(asError(result.error));
  else waiting?.resolve(result.value);
  return waiting?.bytes ?? 0;
}

function asError(error: WriterError): Error {
  if (error.code) {
    return new HoldfastError(error.code, error.message, {
      ...(error.details ? { details: error.details } : {}),
      ...(error.retryAfterS === undefined ? {} : { retryAfterS: error.retryAfterS }),
    });
  }
  const plain = new Error(error.message);
  if (error.stack) plain.stack = error.stack;
  return plain;
}
