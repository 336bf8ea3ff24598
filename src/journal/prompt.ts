/**
 * What the model sees: a pure function of the journal up to the turn's begin. The thread's messages in order, each
 * assistant message with its calls and their results; a call nobody answered has its synthetic result. A window keeps the
 * newest of them, and is read newest first, so that a long thread costs no more than what the model gets.
 */
import type { Selectable } from 'kysely';
import type { ContentPart, PromptMessage } from '../models/types.ts';
import { CANCELLED_CALL_OUTPUT } from './end-run.ts';
import type { ReadDb } from './journal.ts';
import type { Schema } from './schema.ts';

/** Messages that one read brings. */
const PAGE_MESSAGES = 100;

export type PromptWindow = {
  /** What all messages together may take; the newest of them is kept however large it is. */
  tokens?: { max: number; of: (message: PromptMessage) => number };
  /** Of the messages from before a run only the newest so many. */
  before?: { run_id: string; messages: number };
};

export type Prompt = {
  messages: PromptMessage[];
  /** Messages of the thread that did not fit. */
  dropped_messages: number;
  /** Calls that the model made since the last user message, and no longer sees. */
  dropped_calls: number;
};

/** A message as the model sees it: one of an assistant together with the results of its calls. */
type Unit = { position: number; role: 'user' | 'assistant'; messages: PromptMessage[] };

/**
 * Reads the prompt of a thread, oldest message first. What does not fit in the window is left out from the oldest on, a call
 * never without its result, and the last user message, which the model is to answer, never at all.
 */
export async function readPrompt(
  db: ReadDb,
  orgId: string,
  threadId: string,
  window: PromptWindow = {},
): Promise<Prompt> {
  const { kept, isWhole } = await readWindow(db, orgId, threadId, window);
  if (isWhole) return { messages: inOrder(kept), dropped_messages: 0, dropped_calls: 0 };
  const hasUser = kept.some((unit) => unit.role === 'user');
  const lead = await leadOf(db, orgId, threadId, kept, window);
  if (lead) kept.push(lead);
  return {
    messages: inOrder(kept),
    dropped_messages: await countLeftOut(db, orgId, threadId, kept),
    dropped_calls: hasUser ? 0 : await countCallsLeftOut(db, orgId, threadId, kept),
  };
}

/**
 * A conversation begins with its user: the user's message before those that are kept, for which the oldest make room. Where it does
 * not fit even so, what answers it goes, down to the next message of the user; the one to be answered, the last, goes in any case.
 */
async function leadOf(
  db: ReadDb,
  orgId: string,
  threadId: string,
  kept: Unit[],
  window: PromptWindow,
): Promise<Unit | undefined> {
  const isLed = () => kept.at(-1)?.role === 'user';
  if (isLed() || (!window.tokens && kept.some((unit) => unit.role === 'user'))) return undefined;
  const lead = await readUserBefore(db, orgId, threadId, kept);
  const all = [...(lead ? [lead] : []), ...kept].reduce((sum, unit) => sum + sizeOf(unit, window), 0);
  let over = all - (window.tokens?.max ?? Number.POSITIVE_INFINITY);
  while (over > 0 && kept.length > 1 && !isLed()) over -= sizeOf(kept.pop() as Unit, window);
  return isLed() ? undefined : lead;
}

/** The newest units that fit, newest first; the newest of all in any case. */
async function readWindow(
  db: ReadDb,
  orgId: string,
  threadId: string,
  window: PromptWindow,
): Promise<{ kept: Unit[]; isWhole: boolean }> {
  const { before } = window;
  const kept: Unit[] = [];
  let room = window.tokens?.max ?? Number.POSITIVE_INFINITY;
  let earlier = before?.messages ?? Number.POSITIVE_INFINITY;
  for (let position = Number.MAX_SAFE_INTEGER; ; ) {
    const page = await readPage(db, orgId, threadId, position);
    for (const { run_id, ...unit } of page) {
      room -= sizeOf(unit, window);
      if (run_id !== before?.run_id) earlier--;
      if (earlier < 0 || (room < 0 && kept.length > 0)) return { kept, isWhole: false };
      kept.push(unit);
    }
    if (page.length < PAGE_MESSAGES) return { kept, isWhole: true };
    position = page.at(-1)?.position ?? 0;
  }
}

const sizeOf = (unit: Unit, { tokens }: PromptWindow): number =>
  tokens ? unit.messages.reduce((sum, message) => sum + tokens.of(message), 0) : 0;

const COLUMNS = ['id', 'run_id', 'position', 'role', 'content', 'status'] as const;
type MessageRow = Pick<Selectable<Schema['messages']>, (typeof COLUMNS)[number]>;

/** The messages before a position, newest first. */
async function readPage(
  db: ReadDb,
  orgId: string,
  threadId: string,
  position: number,
): Promise<(Unit & { run_id: string | null })[]> {
  const rows = await messagesOf(db, orgId, threadId)
    .select(COLUMNS)
    .where('position', '<', position)
    .orderBy('position', 'desc')
    .limit(PAGE_MESSAGES)
    .execute();
  const calls = await readCalls(db, orgId, threadId, rows);
  return rows.map((row) => ({ ...unitOf(row, calls.get(row.id) ?? []), run_id: row.run_id }));
}

const messagesOf = (db: ReadDb, orgId: string, threadId: string) =>
  db.selectFrom('messages').where('thread_id', '=', threadId).where('org_id', '=', orgId).where('listed', '>=', 0);

type CallRow = Pick<Selectable<Schema['calls']>, 'message_id' | 'call_id' | 'name' | 'arguments' | 'status' | 'output'>;

async function readCalls(
  db: ReadDb,
  orgId: string,
  threadId: string,
  messages: MessageRow[],
): Promise<Map<string, CallRow[]>> {
  const ids = messages.filter((message) => message.role === 'assistant').map((message) => message.id);
  if (ids.length === 0) return new Map();
  const calls = await db
    .selectFrom('calls')
    .select(['message_id', 'call_id', 'name', 'arguments', 'status', 'output'])
    .where('thread_id', '=', threadId)
    .where('message_id', 'in', ids)
    .where('org_id', '=', orgId)
    .orderBy('idx')
    .execute();
  return Map.groupBy(calls, (call) => call.message_id);
}

function unitOf(row: MessageRow, calls: CallRow[]): Unit {
  const { position, role } = row;
  const content = JSON.parse(row.content) as ContentPart[];
  if (role === 'user') return { position, role, messages: [{ role, content }] };
  const said: PromptMessage = {
    role: 'assistant',
    content: content.map((part) => (part.type === 'text' ? part.text : '')).join(''),
    ...(row.status === 'incomplete' ? { incomplete: true } : {}),
    tool_calls: calls.map(({ call_id, name, arguments: args }) => ({ call_id, name, arguments: JSON.parse(args) })),
  };
  if (calls.length === 0) return { position, role, messages: [said] };
  const results = calls.map((call) => ({
    call_id: call.call_id,
    name: call.name,
    output: call.output ?? CANCELLED_CALL_OUTPUT,
    is_error: call.status !== 'ok',
  }));
  return { position, role, messages: [said, { role: 'tool', results }] };
}

const inOrder = (newestFirst: Unit[]) => newestFirst.toReversed().flatMap((unit) => unit.messages);

/** The newest message of the user before those that are kept. */
async function readUserBefore(db: ReadDb, orgId: string, threadId: string, kept: Unit[]): Promise<Unit | undefined> {
  const row = await messagesOf(db, orgId, threadId)
    .select(COLUMNS)
    .where('role', '=', 'user')
    .where('position', '<', kept.at(-1)?.position ?? 0)
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && unitOf(row, []);
}

async function countLeftOut(db: ReadDb, orgId: string, threadId: string, kept: Unit[]): Promise<number> {
  const row = await messagesOf(db, orgId, threadId)
    .select((eb) => eb.fn.countAll<number>().as('messages'))
    .executeTakeFirstOrThrow();
  return Number(row.messages) - kept.length;
}

/** The calls between the user's message that leads the prompt and what comes next in it. */
async function countCallsLeftOut(db: ReadDb, orgId: string, threadId: string, kept: Unit[]): Promise<number> {
  const row = await db
    .selectFrom('calls')
    .innerJoin('messages', 'messages.id', 'calls.message_id')
    .select((eb) => eb.fn.countAll<number>().as('calls'))
    .where('messages.thread_id', '=', threadId)
    .where('messages.org_id', '=', orgId)
    .where('messages.listed', '>=', 0)
    .where('messages.position', '>', kept.at(-1)?.position ?? 0)
    .where('messages.position', '<', kept.at(-2)?.position ?? Number.MAX_SAFE_INTEGER)
    .executeTakeFirstOrThrow();
  return Number(row.calls);
}
