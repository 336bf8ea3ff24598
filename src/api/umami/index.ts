import type { ApiDialect } from '../app.ts';
import { assistantsApi, mountAssistantsApi } from '../openai/index.ts';
import { mountModifyRun } from '../openai/runs.ts';
import { umamiRuns } from './run.ts';

/** UmamiAI's API: OpenAI's with runs of fewer fields and their list as a bare array. `expiresAfterS` as in `openAiApi`. */
export function umamiApi({ expiresAfterS }: { expiresAfterS: number }): ApiDialect {
  return assistantsApi('/umami/v1', (mount, holdfast) => {
    const style = umamiRuns(expiresAfterS);
    mountAssistantsApi(mount, holdfast, style);
    mountModifyRun(mount, holdfast, style);
  });
}
