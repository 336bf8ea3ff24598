import type { ApiDialect } from '../app.ts';
import { assistantsApi, mountAssistantsApi } from '../openai/index.ts';
import { aliasedCore } from './aliased-core.ts';
import { prepareBody } from './body.ts';
import { mountNamedRun } from './named-run.ts';
import { mindsRuns } from './run.ts';

/** The API of Minds: OpenAI's with ids of its own, what is unset as null, and runs that their caller may name. */
export function mindsApi(): ApiDialect {
  const mountAll: Parameters<typeof assistantsApi>[1] = (mount, holdfast) => {
    const aliased = aliasedCore(holdfast);
    mountAssistantsApi(mount, aliased, mindsRuns);
    mountNamedRun(mount, aliased, mindsRuns);
  };
  return assistantsApi('/minds', mountAll, prepareBody);
}
