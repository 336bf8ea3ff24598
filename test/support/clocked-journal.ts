/**
 * The journal's transactions on an empty database, with the test's own clock: what takes a day takes no time, and two transactions
 * happen in the order the test says.
 */
import type { TurnCall } from '../../src/journal/open-calls.ts';
import type { RunSpec } from '../../src/journal/run-row.ts';
import type { Lease } from '../../src/journal/transactions/begin-turn.ts';
import {
  runTransaction,
  type TransactionArgs,
  type TransactionName,
  type TransactionResult,
} from '../../src/journal/transactions/index.ts';
import type { Usage } from '../../src/models/types.ts';
import type { RunRef } from '../../src/runs/outcomes.ts';
import type { Answer, Caller } from '../../src/runs/types.ts';
import type { SeenEvent } from './events.ts';
import { openTestDatabase } from './test-database.ts';

export const CALLER: Caller = {
  org_id: 'org_a',
  key_id: 'key_a',
  scopes: ['admin'],
  user_id: 'user_a',
  user_name: null,
  user_email: null,
  trace_id: '0'.repeat(32),
};
export const ROUTE = { id: 'demo', model: 'demo', fallback: null, price: { input: 0, output: 0 } };
export const NO_TOKENS: Usage = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, reasoning_tokens: 0 };

export type RunIds = RunRef & { thread_id: string };
export type ClockedJournal = Awaited<ReturnType<typeof openClockedJournal>>;

export function specWith(spec: Partial<RunSpec> = {}): RunSpec {
  return {
    instructions: '',
    additional_instructions: '',
    tools: ['ask_user'],
    client_tools: [],
    approval: {},
    budget: {},
    input_timeout_s: 3_600,
    ...spec,
  };
}

/** What `createRun` is given, by default for a new thread of organisation A. */
export function createArgs(more: Partial<TransactionArgs<'createRun'>> = {}): TransactionArgs<'createRun'> {
  return {
    caller: CALLER,
    thread_id: null,
    persona_id: 'assistant@1',
    route: ROUTE,
    spec: specWith(),
    metadata: {},
    on_busy: 'reject',
    input: [{ type: 'text', text: 'hello' }],
    active_limit: null,
    ...more,
  };
}

/** What a turn says when the test does not care. */
export function turnOf(lease: Lease, more: Partial<TransactionArgs<'completeTurn'>> = {}) {
  return {
    lease,
    turn: 1,
    message_id: `msg_${lease.token}`,
    events: [],
    content: 'Hello.',
    calls: [],
    finish_reason: 'stop' as const,
    usage: NO_TOKENS,
    cost_usd: 0,
    ...more,
  };
}

export const delta = (content: string) => ({ type: 'message.delta', data: { message_id: 'm', turn: 1, content } });
export const question = (text: string): TurnCall => ({
  kind: 'ask_user',
  offered: true,
  name: 'ask_user',
  arguments: { question: text },
});
export const clientCall = (name: string): TurnCall => ({ kind: 'client', offered: true, name, arguments: {} });
export const serverCall = (name: string): TurnCall => ({
  kind: 'server',
  offered: true,
  name,
  arguments: {},
  may_repeat: true,
});

export async function openClockedJournal() {
  const { db, transaction, close } = await openTestDatabase();
  let now = Date.UTC(2026, 10, 22);

  /** One transaction at the test's time; refused, it leaves nothing behind. */
  async function write<N extends TransactionName>(name: N, args: TransactionArgs<N>): Promise<TransactionResult<N>> {
    return await transaction((trx) => runTransaction(name, trx, args, { now, appended: [], intents: [] }));
  }

  return {
    db,
    write,
    now: () => now,
    /** Lets time pass. */
    pass: (ms: number) => {
      now += ms;
    },
    async create(spec: Partial<RunSpec> = {}, more: Partial<TransactionArgs<'createRun'>> = {}): Promise<RunIds> {
      const { value } = await write('createRun', createArgs({ spec: specWith(spec), ...more }));
      return { org_id: 'org_a', run_id: value.run_id, thread_id: value.thread_id, epoch: 0 };
    },
    begin: (run: RunRef, turn = 1) =>
      write('beginTurn', {
        ...{ org_id: run.org_id, run_id: run.run_id, epoch: run.epoch },
        ...{ turn, route: ROUTE, temporal_run_id: '' },
      }),
    /** Begins a turn that must begin. */
    async lease(run: RunRef, turn = 1): Promise<Lease> {
      const begun = await this.begin(run, turn);
      if (!begun.begun) throw new Error(`turn ${turn} did not begin: ${JSON.stringify(begun.outcome)}`);
      return begun.lease;
    },
    /** Begins a call that must begin. */
    async beginCall(run: RunRef, { turn = 1, idx = 0 } = {}): Promise<{ lease: Lease; call_id: string }> {
      const { org_id, run_id, epoch } = run;
      const begun = await write('beginCall', { org_id, run_id, epoch, turn, idx });
      if (!begun.begun) throw new Error(`call ${idx} did not begin: ${JSON.stringify(begun.outcome)}`);
      return { lease: begun.lease, call_id: begun.call.call_id };
    },
    /** What the call's tool gave. */
    completeCall: (call: { lease: Lease; call_id: string }, output = '') =>
      write('completeCall', { ...call, status: 'ok', output, duration_ms: 0 }),
    /** A whole turn that makes these calls. */
    async turnWith(run: RunRef, calls: TurnCall[], turn = 1) {
      return await write('completeTurn', turnOf(await this.lease(run, turn), { turn, calls }));
    },
    answer: (run: RunRef, answer: Answer) =>
      write('answerInput', { org_id: run.org_id, run_id: run.run_id, answer: answer }),
    events: async (run: { run_id: string }): Promise<SeenEvent[]> =>
      (await db.selectFrom('events').selectAll().where('run_id', '=', run.run_id).orderBy('seq').execute()).map(
        (row) => ({ seq: row.seq, type: row.type, data: JSON.parse(row.data), created_at: String(row.created_at) }),
      ),
    row: (run: { run_id: string }) =>
      db.selectFrom('runs').selectAll().where('id', '=', run.run_id).executeTakeFirstOrThrow(),
    outbox: async (run: { run_id: string }): Promise<string[]> =>
      (await db.selectFrom('outbox').select('kind').where('run_id', '=', run.run_id).orderBy('id').execute()).map(
        (row) => row.kind,
      ),
    requests: (run: { run_id: string }) =>
      db.selectFrom('inputs').selectAll().where('run_id', '=', run.run_id).orderBy('id').execute(),
    close,
  };
}
