import type { Holdfast } from '../../runs/holdfast.ts';
import type { ApiDialect } from '../app.ts';
import { mountAssistants } from './assistants.ts';
import type { AssistantsCore } from './core.ts';
import { openAiErrors } from './dialect.ts';
import { mountMessages } from './messages.ts';
import { mountModels } from './models.ts';
import { createMount, type Mount } from './mount.ts';
import { openAiRuns, type RunStyle } from './run-style.ts';
import { mountModifyRun, mountRuns } from './runs.ts';
import type { Bodies } from './schema/bodies.ts';
import { bodyReader } from './schema/validate.ts';
import { mountSteps } from './steps.ts';
import { mountSubmit } from './submit.ts';
import { mountThreads } from './threads.ts';

/** OpenAI's Assistants API over the same runs. `expiresAfterS`: how long a run may take, in seconds. */
export function openAiApi({ expiresAfterS }: { expiresAfterS: number }): ApiDialect {
  return modifiableRunsApi('/openai/v1', openAiRuns(expiresAfterS));
}

/** OpenAI's API below `base`, its runs in `style`. */
export function modifiableRunsApi(base: string, style: RunStyle): ApiDialect {
  return assistantsApi(base, (mount, holdfast) => {
    mountAssistantsApi(mount, holdfast, style);
    mountModifyRun(mount, holdfast, style);
  });
}

/**
 * An API below `base` with the errors of OpenAI's, and the endpoints that `mountAll` mounts. Bodies are held to OpenAI's schemas,
 * after `prepare` has made of them what these know.
 */
export function assistantsApi(
  base: string,
  mountAll: (mount: Mount, holdfast: Holdfast) => void,
  prepare: (name: keyof Bodies, sent: unknown, holdfast: Holdfast) => unknown = (_name, sent) => sent,
): ApiDialect {
  const readBody = bodyReader();
  return {
    ...openAiErrors(base),
    // The name by which the SDKs show a request; ours is its trace.
    async before(c, next) {
      c.header('x-request-id', `req_${c.get('traceId')}`);
      await next();
    },
    mount(app, holdfast, inFlight) {
      const mount = createMount({
        ...{ app, base, inFlight },
        readBody: (name, sent) => readBody(name, prepare(name, sent, holdfast)),
      });
      mountAll(mount, holdfast);
    },
  };
}

/** The endpoints that dialects share: all but `POST /threads/{thread_id}/runs/{run_id}`, which does not mean the same in each. */
export function mountAssistantsApi(mount: Mount, holdfast: AssistantsCore, style: RunStyle): void {
  mountModels(mount, holdfast);
  mountAssistants(mount, holdfast);
  // `/threads/runs` before `/threads/{thread_id}`.
  mountRuns(mount, holdfast, style);
  mountThreads(mount, holdfast);
  mountMessages(mount, holdfast);
  mountSubmit(mount, holdfast, style);
  mountSteps(mount, holdfast);
}
