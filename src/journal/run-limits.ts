/** What a run as a whole was given: its time, and tokens in and out. Passing one ends it, whoever asks. */
import { type RunRecord, specOf } from './run-row.ts';

export type Limit = { code: 'run.expired' | 'run.max_prompt_tokens' | 'run.max_completion_tokens'; message: string };

/** The limit that leaves nothing for another step, if any. `now` in milliseconds since 1970. */
export function limitReached(run: RunRecord, now: number): Limit | undefined {
  const { max_prompt_tokens, max_completion_tokens } = specOf(run);
  const expiry = expiryReached(run, now);
  if (expiry) return expiry;
  if (max_prompt_tokens !== undefined && run.input_tokens >= max_prompt_tokens) {
    return tooMany('max_prompt_tokens', max_prompt_tokens, run.input_tokens);
  }
  if (max_completion_tokens !== undefined && run.output_tokens >= max_completion_tokens) {
    return tooMany('max_completion_tokens', max_completion_tokens, run.output_tokens);
  }
  return undefined;
}

/** The limit that a turn just done has passed, its tokens counted in; `cut`: its model was stopped in mid-sentence. */
export function limitPassed(run: RunRecord, cut: boolean): Limit | undefined {
  const { max_prompt_tokens, max_completion_tokens } = specOf(run);
  if (max_prompt_tokens !== undefined && run.input_tokens > max_prompt_tokens) {
    return tooMany('max_prompt_tokens', max_prompt_tokens, run.input_tokens);
  }
  const said = run.output_tokens;
  if (
    max_completion_tokens !== undefined &&
    (said > max_completion_tokens || (cut && said === max_completion_tokens))
  ) {
    return tooMany('max_completion_tokens', max_completion_tokens, said);
  }
  return undefined;
}

/** The run's expiry, if it is past. `now` in milliseconds since 1970. */
export function expiryReached(run: RunRecord, now: number): Limit | undefined {
  const { expires_at } = specOf(run);
  if (expires_at === undefined || now < expires_at) return undefined;
  return { code: 'run.expired', message: `The run was not done by ${new Date(expires_at).toISOString()}, its expiry.` };
}

function tooMany(limit: 'max_prompt_tokens' | 'max_completion_tokens', allowed: number, used: number): Limit {
  return { code: `run.${limit}`, message: `The run's ${limit} is ${allowed}; ${used} were used.` };
}
