import { newId } from '../../ids.ts';
import type { FinishReason, Usage } from '../../models/types.ts';
import type { CallRef, TurnOutcome, Wait } from '../../runs/outcomes.ts';
import { endRun, insertMessage } from '../end-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { openRequest, recordResult } from '../requests.ts';
import { addUsage, append, type NewEvent, type RunRecord } from '../run-row.ts';
import type { CallKind } from '../schema.ts';
import type { Lease } from './begin-turn.ts';
import { heldLease, stepDone } from './held-lease.ts';

/** Calls of one turn beyond this many get an error result: the turn's outcome must fit in 2 KB of history. */
export const MAX_CALLS_PER_TURN = 64;
/** Questions of one turn beyond this many get an error result, for the same reason. */
export const MAX_REQUESTS_PER_TURN = 16;
/** Characters that the names of all calls of a turn may take in its outcome. */
const NAMES_LENGTH = 600;

export type TurnCall = {
  kind: CallKind;
  /** Of a server's tool: the run offered it to its model. */
  offered?: boolean;
  name: string;
  arguments: unknown;
  /** Set when the call cannot run (arguments that are no JSON, a question without text): its result at once. */
  error?: string;
};

type CompleteTurn = {
  lease: Lease;
  turn: number;
  message_id: string;
  /** What was said and not yet appended. */
  events: NewEvent[];
  content: string;
  calls: TurnCall[];
  finish_reason: FinishReason;
  usage: Usage;
  cost_usd: number | null;
};

/**
 * Records a model turn: `message.completed` with its `tool.call`s, the requests they open, and the run's end when it called
 * nothing, all in one commit. While a cancel is requested nothing is recorded but the tokens. Errors: `steps.superseded`.
 */
export async function completeTurn(trx: Trx, args: CompleteTurn, ctx: TransactionContext): Promise<TurnOutcome> {
  const { run } = await heldLease(trx, args.lease);
  const spent = addUsage(run, args.usage, args.cost_usd);
  if (run.status === 'cancelling') {
    await append(trx, ctx, run, args.events, spent);
    return { outcome: 'cancelled' };
  }
  const said: NewEvent[] = [
    ...args.events,
    {
      type: 'message.completed',
      data: {
        message_id: args.message_id,
        turn: args.turn,
        content: args.content,
        finish_reason: args.finish_reason,
        usage: args.usage,
      },
    },
  ];
  await insertMessage(
    trx,
    ctx,
    { org_id: run.org_id, thread_id: run.thread_id, id: run.id },
    {
      id: args.message_id,
      role: 'assistant',
      content: args.content === '' ? [] : [{ type: 'text', text: args.content }],
      listed: args.content !== '' || args.calls.length === 0,
    },
  );
  if (args.calls.length === 0) {
    const outcome: TurnOutcome = { outcome: 'ended', status: 'completed' };
    await stepDone(trx, args.lease, outcome);
    const ending = { as: 'completed', output: args.content, message_id: args.message_id } as const;
    await endRun(trx, ctx, run, ending, said, spent);
    return outcome;
  }
  const outcome = await openCalls(trx, ctx, run, args, said);
  await append(trx, ctx, run, said, spent);
  await stepDone(trx, args.lease, outcome);
  return outcome;
}

/** Writes the turn's calls, opens the requests among them, and adds their events to `said`. */
async function openCalls(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  turn: CompleteTurn,
  said: NewEvent[],
): Promise<TurnOutcome> {
  const rows = turn.calls.map((call, idx) => ({
    ...call,
    call_id: newId('call'),
    idx,
    error: refusal(turn.calls, idx),
  }));
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
        offered: row.kind !== 'server' || row.offered ? 1 : 0,
        name: row.name,
        arguments: JSON.stringify(row.arguments),
        status: 'pending' as const,
        output: null,
        created_at: ctx.now,
        completed_at: null,
      })),
    )
    .execute();
  for (const row of rows) {
    said.push({
      type: 'tool.call',
      data: { call_id: row.call_id, turn: turn.turn, name: row.name, arguments: row.arguments },
    });
  }
  for (const row of rows) {
    if (!row.error) continue;
    const result = await recordResult(trx, ctx, run.id, row.call_id, {
      status: 'error',
      output: row.error,
      duration_ms: 0,
    });
    if (result) said.push(result);
  }
  const open = rows.filter((row) => !row.error);
  const waits: Wait[] = [];
  for (const row of open.filter((call) => call.kind === 'ask_user')) {
    const prompt = (row.arguments as { question: string }).question;
    const options = (row.arguments as { options?: string[] }).options;
    const call = { call_id: row.call_id, name: row.name, arguments: row.arguments };
    const request = await openRequest(trx, ctx, run, {
      kind: 'question',
      prompt,
      tool_calls: [call],
      ...(options ? { options } : {}),
    });
    waits.push(request.wait);
    said.push(request.event);
  }
  const client = open.filter((call) => call.kind === 'client');
  if (client.length > 0) {
    const request = await openRequest(trx, ctx, run, {
      kind: 'tool_outputs',
      prompt: `Run ${client.map((call) => call.name).join(', ')} and give the outputs.`,
      tool_calls: client.map((call) => ({ call_id: call.call_id, name: call.name, arguments: call.arguments })),
    });
    waits.push(request.wait);
    said.push(request.event);
  }
  return {
    outcome: 'tools',
    calls: callRefs(
      open.filter((call) => call.kind === 'server').map((call) => ({ ...call, offered: call.offered ?? false })),
    ),
    waits,
  };
}

function refusal(calls: TurnCall[], idx: number): string | undefined {
  const call = calls[idx];
  if (!call || call.error) return call?.error;
  if (idx >= MAX_CALLS_PER_TURN) return `Not run: a turn may call at most ${MAX_CALLS_PER_TURN} tools.`;
  const asked = calls.slice(0, idx).filter((other) => other.kind === 'ask_user').length;
  if (call.kind === 'ask_user' && asked >= MAX_REQUESTS_PER_TURN - 1) {
    return `Not asked: a turn may ask at most ${MAX_REQUESTS_PER_TURN - 1} questions.`;
  }
  return undefined;
}

/**
 * Names are for the Web UI only; they are cut so that any number of calls fits in the outcome. A name that the run did not offer
 * is a text of the model, which stays out of Temporal's history.
 */
export function callRefs(calls: { idx: number; name: string; offered: boolean | number }[]): CallRef[] {
  const length = Math.max(8, Math.floor(NAMES_LENGTH / Math.max(1, calls.length)));
  return calls.map((call) => [call.idx, label(call).slice(0, Math.min(64, length))]);
}

/** One byte a character: the outcome's size is counted in bytes. */
function label(call: { name: string; offered: boolean | number }): string {
  return call.offered ? call.name.replace(/[^ -~]/g, '?') : 'unknown tool';
}
