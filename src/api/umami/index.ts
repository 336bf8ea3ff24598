import type { ApiDialect } from '../app.ts';
import { modifiableRunsApi } from '../openai/index.ts';
import { umamiRuns } from './run.ts';

/** UmamiAI's API: OpenAI's with runs of fewer fields and their list as a bare array. `expiresAfterS` as in `openAiApi`. */
export function umamiApi({ expiresAfterS }: { expiresAfterS: number }): ApiDialect {
  return modifiableRunsApi('/umami/v1', umamiRuns(expiresAfterS));
}
