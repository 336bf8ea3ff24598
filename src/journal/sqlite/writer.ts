/**
 * The one writer of the SQLite journal, in a thread of its own, so that a disk's sync never stalls the event loop. What has
 * gathered while one commit was under way shares the next: a commit spans runs, and a refused transaction is undone alone.
 */
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Kysely, SqliteDialect } from 'kysely';
import { HoldfastError, isHoldfastError } from '../../errors.ts';
import type { Appended, Intent } from '../journal.ts';
import { migrate } from '../migrate.ts';
import type { Schema } from '../schema.ts';
import { runTransaction, type TransactionArgs } from '../transactions/index.ts';
import { appendDeltasTo } from './append-deltas.ts';
import { asKyselyDatabase, openDatabase } from './database.ts';
import type { WriterError, WriterOptions, WriterReply, WriterRequest } from './messages.ts';

/** Transactions that share one commit at most. */
const MAX_BATCH = 256;
/** Seconds after which a client may try again when the disk is full or the file locked. */
const UNAVAILABLE_RETRY_S = 5;

const port = parentPort;
if (!port) throw new Error('the SQLite writer runs as a thread');
const options = workerData as WriterOptions;
const reply = (message: WriterReply) => port.postMessage(message);

let sqlite: DatabaseSync;
let appendDeltas: ReturnType<typeof appendDeltasTo>;
let db: Kysely<Schema>;
let draining = false;
const queue: WriterRequest[] = [];

try {
  sqlite = openDatabase(options.path, 'writer');
  if (options.max_pages) setMaxPages(options.max_pages);
  db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: asKyselyDatabase(sqlite) }) });
  sqlite.exec('BEGIN IMMEDIATE');
  const migrated = await migrate(db);
  sqlite.exec('COMMIT');
  appendDeltas = appendDeltasTo(sqlite);
  port.on('message', (requests: WriterRequest[]) => {
    queue.push(...requests);
    if (!draining) {
      draining = true;
      setImmediate(drain);
    }
  });
  reply({ kind: 'ready', migrated });
} catch (error) {
  reply({ kind: 'failed', error: asData(error) });
}

type Write = Extract<WriterRequest, { kind: 'write' }>;
type Results = { id: number; value?: unknown; error?: WriterError }[];

async function drain(): Promise<void> {
  try {
    for (;;) {
      takeWaiting();
      const batch = queue.splice(0, MAX_BATCH);
      if (batch.length === 0) break;
      await commit(batch);
    }
  } finally {
    draining = false;
  }
}

function takeWaiting(): void {
  while (queue.length < MAX_BATCH) {
    const waiting = receiveMessageOnPort(port as NonNullable<typeof port>);
    if (!waiting) return;
    queue.push(...(waiting.message as WriterRequest[]));
  }
}

/** Runs a batch in one commit. When the commit itself fails, every transaction of it failed. */
async function commit(batch: WriterRequest[]): Promise<void> {
  const results: Results = [];
  const appended: Appended[] = [];
  const intents: Intent[] = [];
  const writes = batch.filter((request) => request.kind === 'write');
  try {
    if (writes.length > 0) {
      sqlite.exec('BEGIN IMMEDIATE');
      for (const request of writes) {
        if (request.name === 'appendDeltas') appendOne(request, results, appended);
        else await runOne(request, results, { appended, intents });
      }
      sqlite.exec('COMMIT');
      if (options.commit_delay_ms)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, options.commit_delay_ms);
    }
  } catch (error) {
    if (sqlite.isTransaction) sqlite.exec('ROLLBACK');
    const failure = asData(error);
    reply({ kind: 'done', results: writes.map(({ id }) => ({ id, error: failure })), appended: [], intents: [] });
    results.length = 0;
    appended.length = 0;
    intents.length = 0;
  }
  for (const request of batch) {
    if (request.kind === 'set_max_pages') setMaxPages(request.max_pages);
    if (request.kind === 'close') sqlite.close();
    if (request.kind !== 'write') results.push({ id: request.id });
  }
  if (results.length > 0) reply({ kind: 'done', results, appended, intents });
}

function appendOne(request: Write, results: Results, appended: Appended[]): void {
  try {
    appended.push(appendDeltas(request.args as TransactionArgs<'appendDeltas'>, Date.now()));
    results.push({ id: request.id });
  } catch (error) {
    // It has written nothing; whatever else it is may have left something: then the batch as a whole has failed.
    if (!isHoldfastError(error, 'steps.superseded')) throw error;
    results.push({ id: request.id, error: asData(error) });
  }
}

async function runOne(
  request: Write,
  results: Results,
  told: { appended: Appended[]; intents: Intent[] },
): Promise<void> {
  sqlite.exec('SAVEPOINT one');
  const ctx = { now: Date.now(), appended: [] as Appended[], intents: [] as Intent[] };
  try {
    const value = await runTransaction(request.name, db, request.args as never, ctx);
    sqlite.exec('RELEASE one');
    told.appended.push(...ctx.appended);
    told.intents.push(...ctx.intents);
    results.push({ id: request.id, value });
  } catch (error) {
    // A full disk may have rolled the whole transaction back already: then the batch as a whole has failed.
    if (!sqlite.isTransaction || isUnavailable(error)) throw error;
    sqlite.exec('ROLLBACK TO one; RELEASE one');
    results.push({ id: request.id, error: asData(error) });
  }
}

function setMaxPages(pages: number): void {
  sqlite.exec(`PRAGMA max_page_count=${Math.trunc(pages)}`);
}

/** SQLite's busy (5), locked (6), read-only (8), I/O error (10) and full (13): nothing was written, later it may work. */
function isUnavailable(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode;
  return code !== undefined && [5, 6, 8, 10, 13, 14].includes(code & 0xff);
}

function asData(error: unknown): WriterError {
  if (error instanceof HoldfastError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.details ? { details: error.details } : {}),
      ...(error.retryAfterS === undefined ? {} : { retryAfterS: error.retryAfterS }),
    };
  }
  const { message, stack } = error as Error;
  if (isUnavailable(error)) {
    return {
      code: 'journal.unavailable',
      message: `The journal cannot be written: ${message}.`,
      retryAfterS: UNAVAILABLE_RETRY_S,
    };
  }
  return { message, ...(stack ? { stack } : {}) };
}
