import { estimateTokens } from '../models/estimate.ts';
import type { Usage } from '../models/types.ts';
import type { Trx } from './journal.ts';
import type { RunRecord } from './run-row.ts';
import type { StepRecord } from './transactions/begin-turn.ts';

/**
 * What an attempt cost whose worker was lost, estimated from the journal: the prompt of its thread, as much of it as the route's
 * context holds, and what it had said. Nobody
 * else knows; left out, a turn that kills its workers would pass every budget.
 */
export async function lostUsage(
  trx: Trx,
  run: RunRecord,
  step: StepRecord,
  contextTokens: number | null,
): Promise<Usage> {
  const said = await trx
    .selectFrom('events')
    .select('data')
    .where('run_id', '=', run.id)
    .where('seq', '>', step.from_seq)
    .where('type', 'in', ['message.delta', 'reasoning.delta'])
    .execute();
  const messages = await trx
    .selectFrom('messages')
    .select((eb) => eb.fn.sum<number>(eb.fn('length', ['content'])).as('characters'))
    .where('thread_id', '=', run.thread_id)
    .where('org_id', '=', run.org_id)
    .executeTakeFirst();
  const calls = await trx
    .selectFrom('calls')
    .select((eb) => eb.fn.sum<number>(eb.fn('length', ['output'])).as('characters'))
    .where('thread_id', '=', run.thread_id)
    .where('org_id', '=', run.org_id)
    .executeTakeFirst();
  const output = said.reduce((sum, row) => sum + (JSON.parse(row.data) as { content: string }).content.length, 0);
  return {
    input_tokens: Math.min(
      estimateTokens(Number(messages?.characters ?? 0) + Number(calls?.characters ?? 0)),
      contextTokens ?? Number.POSITIVE_INFINITY,
    ),
    cached_input_tokens: 0,
    output_tokens: estimateTokens(output),
    reasoning_tokens: 0,
    estimated: true,
  };
}
