/** How a run's end is said here. */
import { spentLimit } from '../../../runs/budget-words.ts';
import type { RunDetails } from '../../../runs/types.ts';

export type IncompleteReason = 'max_completion_tokens' | 'max_prompt_tokens';
export type LastError = { code: 'server_error' | 'rate_limit_exceeded' | 'invalid_prompt'; message: string };

export type Outcome =
  | { status: 'expired' }
  | { status: 'incomplete'; reason: IncompleteReason }
  | { status: 'failed'; last_error: LastError };

/** The end of a run whose answer was cut by a limit of tokens. */
export const CUT: Outcome = { status: 'incomplete', reason: 'max_completion_tokens' };

const ERROR_CODES: Record<string, LastError['code']> = {
  'provider.rate_limited': 'rate_limit_exceeded',
  'provider.bad_request': 'invalid_prompt',
};

/** What a native failure is here: the end of its time, a limit of its tokens, or an error. */
export function outcomeOf({ code, message }: { code: string; message: string }): Outcome {
  if (code === 'run.expired' || code === 'input.expired') return { status: 'expired' };
  if (code === 'run.max_prompt_tokens') return { status: 'incomplete', reason: 'max_prompt_tokens' };
  const ofTokens = code === 'budget.exceeded' && spentLimit(message) === 'max_tokens';
  if (code === 'run.max_completion_tokens' || ofTokens) return CUT;
  return { status: 'failed', last_error: { code: ERROR_CODES[code] ?? 'server_error', message } };
}

export type MessageReason = 'content_filter' | 'max_tokens' | 'run_cancelled' | 'run_expired' | 'run_failed';

/** Why the message that a run was at when it ended so is no whole one. */
export const MESSAGE_REASON = {
  expired: 'run_expired',
  incomplete: 'max_tokens',
  failed: 'run_failed',
} as const satisfies Record<Outcome['status'], MessageReason>;

/** Whether a run whose model stopped for this reason is complete: a limit of tokens cut its answer. */
export const wasCut = (finish: string | null) => finish === 'length';

/** Why a message that its model ended is no whole one, if so. */
export function cutReason(finish: string | null): MessageReason | null {
  if (finish === 'length') return 'max_tokens';
  return finish === 'content_filter' ? 'content_filter' : null;
}

/** Why an assistant's message was cut, by the end of its run. */
export function messageReason(run: { status: string; error: RunDetails['error'] }): MessageReason {
  if (run.status === 'cancelled' || run.status === 'cancelling') return 'run_cancelled';
  return MESSAGE_REASON[outcomeOf(run.error ?? { code: '', message: '' }).status];
}
