import type { ApiDialect } from '../app.ts';
import { mountAssistants } from './assistants.ts';
import { openAiErrors } from './dialect.ts';
import { mountMessages } from './messages.ts';
import { mountModels } from './models.ts';
import { createMount } from './mount.ts';
import { mountRuns } from './runs.ts';
import { createBodyReader } from './schema/validate.ts';
import { mountSteps } from './steps.ts';
import { mountSubmit } from './submit.ts';
import { mountThreads } from './threads.ts';

const BASE = '/openai/v1';

/** OpenAI's Assistants API over the same runs. `expiresAfterS`: how long a run may take, in seconds. */
export function openAiApi({ expiresAfterS }: { expiresAfterS: number }): ApiDialect {
  const readBody = createBodyReader();
  return {
    ...openAiErrors(BASE),
    // The name by which the SDKs show a request; ours is its trace.
    async before(c, next) {
      c.header('x-request-id', `req_${c.get('traceId')}`);
      await next();
    },
    mount(app, holdfast, inFlight) {
      const mount = createMount({ app, base: BASE, inFlight, readBody });
      mountModels(mount, holdfast);
      mountAssistants(mount, holdfast);
      // `/threads/runs` before `/threads/{thread_id}`.
      mountRuns(mount, holdfast, { expiresAfterS });
      mountThreads(mount, holdfast);
      mountMessages(mount, holdfast);
      mountSubmit(mount, holdfast);
      mountSteps(mount, holdfast);
    },
  };
}
