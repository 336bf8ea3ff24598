/** `POST /threads/{thread_id}/runs/{run_id}`: the caller names the new run. */
import { createHash } from 'node:crypto';
import { isHoldfastError } from '../../errors.ts';
import { canonicalJson } from '../idempotency.ts';
import type { AssistantsCore } from '../openai/core.ts';
import type { Mount } from '../openai/mount.ts';
import type { RunStyle } from '../openai/run-style.ts';
import { createOnThread } from '../openai/runs.ts';
import { checkRunName } from './names.ts';

/** The same body under the same name is the same run, answered as it stands; another body is a 409. */
export function mountNamedRun(mount: Mount, holdfast: AssistantsCore, style: RunStyle): void {
  const path = '/threads/{thread_id}/runs/{run_id}';
  mount({ method: 'post', path, scope: 'runs:write', body: 'CreateRunRequest' }, async (asked) => {
    const { c, caller, params, body } = asked;
    checkRunName(params.run_id);
    // A thread that is not there is told before a name that is taken on another.
    await holdfast.getThread(caller, params.thread_id);
    const fingerprint = createHash('sha256').update(canonicalJson(body)).digest('hex');
    try {
      return await createOnThread(holdfast, asked, style, { alias: params.run_id, fingerprint });
    } catch (error) {
      // OpenAI's SDKs repeat a 409 unless they are told that it stays one.
      if (isHoldfastError(error, 'runs.name_taken')) c.header('x-should-retry', 'false');
      throw error;
    }
  });
}
