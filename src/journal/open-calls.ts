/** The calls of a turn: their rows, the requests they open, and what the workflow is to do about each. */
import type { ExpressionBuilder } from 'kysely';
import { newId } from '../ids.ts';
import type { CallRef, TurnOutcome, Wait } from '../runs/outcomes.ts';
import { callRefs } from './call-refs.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { type CallSummary, openRequest, recordResult } from './requests.ts';
import type { NewEvent, RunRecord } from './run-row.ts';
import type { CallKind, Schema } from './schema.ts';
import { beyondBudget, dueAt, type TimerLength, untilOf } from './timers.ts';

/** Calls of one turn beyond this many get an error result: the turn's outcome must fit in 2 KB of history. */
export const MAX_CALLS_PER_TURN = 64;
/** Requests that the calls of one turn may open; a call beyond them gets an error result, for the same reason. */
export const MAX_REQUESTS_PER_TURN = 16;

export type TurnCall = {
  kind: CallKind;
  /** Of a server's tool: the run offered it to its model. */
  offered?: boolean;
  name: string;
  arguments: unknown;
  /** A lost execution may simply be run again. */
  may_repeat?: boolean;
  /** It may be repeated, and is over so soon that, among calls like it, it need not be an activity of its own in Temporal. */
  brief?: boolean;
  /** A person must approve it first. */
  needs_approval?: boolean;
  /** Set when the call cannot run (arguments that are no JSON, a question without text): its result at once. */
  error?: string;
  /** Of a timer: how long it takes, or when it is over. */
  wait?: TimerLength;
};

type CallRow = Omit<TurnCall, 'offered'> & { call_id: string; idx: number; offered: boolean; due_at: number | null };

/** Writes the calls of a turn, opens the requests among them, and adds their events to `said`. */
export async function openCalls(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  turn: { turn: number; message_id: string; calls: TurnCall[] },
  said: NewEvent[],
): Promise<TurnOutcome> {
  const rows = readRows(turn.calls, run, ctx.now);
  await insertCalls(trx, ctx, run, turn, rows);
  for (const row of rows) {
    const { call_id, name } = row;
    said.push({ type: 'tool.call', data: { call_id, turn: turn.turn, name, arguments: row.arguments } });
  }
  for (const row of rows) {
    if (!row.error) continue;
    const failed = { status: 'error', output: row.error, duration_ms: 0 } as const;
    const result = await recordResult(trx, ctx, run.id, row.call_id, failed);
    if (result) said.push(result);
  }
  const open = rows.filter((row) => !row.error);
  const waits: Wait[] = [];
  const ask = async (request: Parameters<typeof openRequest>[3], call?: CallRef) => {
    const { wait, event } = await openRequest(trx, ctx, run, request);
    waits.push(call ? [wait[0], wait[1], call] : wait);
    said.push(event);
  };
  for (const row of open.filter((call) => call.kind === 'ask_user')) await ask(question(row));
  const client = open.filter((call) => call.kind === 'client');
  if (client.length > 0) {
    const prompt = `Run ${client.map((call) => call.name).join(', ')} and give the outputs.`;
    await ask({ kind: 'tool_outputs', prompt, tool_calls: client.map(summaryOf) });
  }
  const executed = open.filter((call) => isExecuted(call.kind));
  const refs = callRefs(executed, open.every(isBrief));
  for (const [i, row] of executed.entries()) if (row.needs_approval) await ask(approval(row), refs[i]);
  const calls = refs.filter((_, i) => !executed[i]?.needs_approval);
  return { outcome: 'tools', calls, waits, ...untilOf(open) };
}

/** The calls that the workflow runs as activities. */
export const EXECUTED_KINDS: readonly CallKind[] = ['server', 'agent'];
/** Of a call: it waits for no person's word. */
export const isReleased = (eb: ExpressionBuilder<Schema, 'calls'>) =>
  eb.not(
    eb.exists(
      eb
        .selectFrom('inputs')
        .select('inputs.id')
        .whereRef('inputs.call_id', '=', 'calls.call_id')
        .where('inputs.state', '=', 'open'),
    ),
  );

/**
 * Temporal hears of what else the turn began only when its brief calls are over: so they are brief only among their like, and a call that
 * waits for a person is not, nor is one beside it.
 */
const isBrief = (row: CallRow) => row.brief === true && !row.needs_approval;

const isExecuted = (kind: CallKind) => EXECUTED_KINDS.includes(kind);

function readRows(calls: TurnCall[], run: RunRecord, now: number): CallRow[] {
  let requests = calls.some((call) => call.kind === 'client' && !call.error) ? 1 : 0;
  return calls.map((call, idx) => {
    const asks = call.kind === 'ask_user' || (isExecuted(call.kind) && call.needs_approval === true);
    if (asks && !call.error) requests++;
    const due_at = call.wait ? dueAt(call.wait, now) : null;
    const offered = call.kind !== 'server' || call.offered === true;
    const row = { ...call, offered, call_id: newId('call'), idx, due_at };
    if (call.error) return row;
    const tooLong = due_at === null ? undefined : beyondBudget(run, due_at, now);
    if (tooLong) return { ...row, error: tooLong };
    if (idx >= MAX_CALLS_PER_TURN)
      return { ...row, error: `Not run: a turn may call at most ${MAX_CALLS_PER_TURN} tools.` };
    if (!asks || requests <= MAX_REQUESTS_PER_TURN) return row;
    return { ...row, error: `Not asked: a turn may ask its human at most ${MAX_REQUESTS_PER_TURN} things.` };
  });
}

async function insertCalls(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  turn: { turn: number; message_id: string },
  rows: CallRow[],
): Promise<void> {
  await trx
    .insertInto('calls')
    .values(
      rows.map((row) => ({
        call_id: row.call_id,
        org_id: run.org_id,
        thread_id: run.thread_id,
        run_id: run.id,
        message_id: turn.message_id,
        turn: turn.turn,
        idx: row.idx,
        kind: row.kind,
        offered: row.offered ? 1 : 0,
        name: row.name,
        arguments: JSON.stringify(row.arguments),
        may_repeat: row.may_repeat ? 1 : 0,
        status: 'pending' as const,
        output: null,
        created_at: ctx.now,
        completed_at: null,
        due_at: row.due_at,
      })),
    )
    .execute();
}

const summaryOf = (row: CallRow): CallSummary => ({ call_id: row.call_id, name: row.name, arguments: row.arguments });

function question(row: CallRow): Parameters<typeof openRequest>[3] {
  const { question: prompt, options } = row.arguments as { question: string; options?: string[] };
  return { kind: 'question', prompt, tool_calls: [summaryOf(row)], ...(options ? { options } : {}) };
}

function approval(row: CallRow): Parameters<typeof openRequest>[3] {
  return {
    kind: 'approval',
    prompt: `May ${row.name} be called with these arguments?`,
    options: ['approve', 'deny', 'deny: <reason>'],
    tool_calls: [summaryOf(row)],
    call_id: row.call_id,
  };
}
