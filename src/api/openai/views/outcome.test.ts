/** Why a message is no whole one, by the end of its run. */
import { expect, it } from 'vitest';
import { spentBudget } from '../../../runs/budget-words.ts';
import { messageReason } from './outcome.ts';

const failed = (code: string, message = '') => ({ status: 'failed', error: { code, message } });

it.each([
  ['run_cancelled', { status: 'cancelled', error: null }],
  ['run_cancelled', { status: 'cancelling', error: null }],
  ['run_expired', failed('run.expired')],
  ['run_expired', failed('input.expired')],
  ['max_tokens', failed('run.max_completion_tokens')],
  ['max_tokens', failed('run.max_prompt_tokens')],
  ['max_tokens', failed('budget.exceeded', spentBudget('max_tokens', 40, '47 used'))],
  ['run_failed', failed('budget.exceeded', spentBudget('max_turns', 4, '4 used'))],
  ['run_failed', failed('provider.failed')],
])('%s, of a run that ended as %j', (reason, run) => {
  expect(messageReason(run)).toBe(reason);
});
