import { isHoldfastError } from '../../errors.ts';
import type { RunPicture, RunRequest } from '../../runs/dialect-types.ts';
import type { Caller, Idempotency } from '../../runs/types.ts';
import { requireScope } from '../auth.ts';
import type { AssistantsCore } from './core.ts';
import type { Mount } from './mount.ts';
import { refusal } from './refusals.ts';
import type { RunStyle } from './run-style.ts';
import { streamRun } from './stream/respond.ts';
import { RunStory } from './stream/story.ts';
import { actionsOf, answersFrom } from './views/actions.ts';
import { factsOf, stateOf } from './views/run.ts';

type Outputs = { tool_call_id?: string; output?: string }[];

/** What a submit did: at which event its answers begin, and whether an earlier request had given the same ones. */
type Submitted = { first_seq: number; repeated: boolean };

/** `POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs`. */
export function mountSubmit(mount: Mount, holdfast: AssistantsCore, { show }: RunStyle): void {
  const path = '/threads/{thread_id}/runs/{run_id}/submit_tool_outputs';
  mount({ method: 'post', path, scope: 'runs:write', body: 'SubmitToolOutputsRunRequest' }, async (asked) => {
    const { c, caller, params, body, once } = asked;
    if (body.stream) requireScope(caller, 'runs:read');
    const before = await holdfast.runPicture(caller, params.thread_id, params.run_id);
    const { first_seq, repeated } = await submit(holdfast, caller, before, body.tool_outputs, once);
    if (body.stream) {
      const story = new RunStory(factsOf(before), { show });
      const earlier = await holdfast.milestones(caller, params.run_id, { upTo: first_seq - 1 });
      for (const event of earlier) story.take(event);
      return await streamRun(c, holdfast, caller, { story, opening: [], afterSeq: first_seq - 1 });
    }
    if (repeated) {
      const now = await holdfast.runPicture(caller, params.thread_id, params.run_id);
      return c.json(show(factsOf(now), stateOf(now)));
    }
    return c.json(show(factsOf(before), { ...stateOf(before), status: 'queued' }));
  });
}

/** Gives the outputs to the open requests, all at once. Errors: refused unless they are exactly what the run asks for. */
async function submit(
  holdfast: AssistantsCore,
  caller: Caller,
  picture: RunPicture,
  outputs: Outputs,
  once: Idempotency | undefined,
): Promise<Submitted> {
  const { run_id } = picture.run;
  const { requests } = picture.standing;
  const { status } = stateOf(picture);
  const given = new Map(outputs.map((it) => [it.tool_call_id ?? '', it.output ?? '']));
  const fits = status === 'requires_action' && covers(requests, given) && given.size === outputs.length;
  if (!fits) {
    const earlier = await sameAnswers(holdfast, caller, run_id, given);
    if (earlier !== undefined) return { first_seq: earlier, repeated: true };
    if (status !== 'requires_action') throw refusal(`Runs in status "${status}" do not accept tool outputs.`);
    const expected = actionsOf(requests).map(({ id }) => id);
    const got = outputs.map((it) => it.tool_call_id ?? '');
    throw refusal(`Expected tool outputs for call_ids ${listed(expected)}, got ${listed(got)}`, {
      param: 'tool_outputs',
      code: null,
    });
  }
  try {
    const { value } = await holdfast.answerAll(caller, run_id, answersFrom(requests, given), once);
    return { first_seq: value.first_seq, repeated: false };
  } catch (error) {
    if (isHoldfastError(error, 'validation.failed')) throw notAnAnswer(error.message, requests, outputs, error.details);
    if (!isHoldfastError(error) || !STALE.includes(error.code)) throw error;
    const earlier = await sameAnswers(holdfast, caller, run_id, given);
    if (earlier !== undefined) return { first_seq: earlier, repeated: true };
    const now = stateOf(await holdfast.runPicture(caller, picture.run.thread_id, run_id)).status;
    throw refusal(`Runs in status "${now === 'requires_action' ? 'expired' : now}" do not accept tool outputs.`);
  }
}

/** What the core says when somebody else answered first, or the run or its request ended. */
const STALE = ['runs.input_stale', 'runs.not_active', 'runs.not_waiting'];

/** Whether the outputs are one for each call of these requests, no more and no less. */
function covers(requests: RunRequest[], outputs: ReadonlyMap<string, string>): boolean {
  const ids = actionsOf(requests).map(({ id }) => id);
  return ids.length === outputs.size && ids.every((id) => outputs.has(id));
}

/** Where the run's events say that exactly these outputs were given before: an SDK repeats a request whose answer it lost. */
async function sameAnswers(
  holdfast: AssistantsCore,
  caller: Caller,
  runId: string,
  outputs: ReadonlyMap<string, string>,
): Promise<number | undefined> {
  const answered = (await holdfast.listRequests(caller, runId)).filter((it) => it.state === 'answered');
  const meant = answered.filter((request) => actionsOf([request]).some(({ id }) => outputs.has(id)));
  if (meant.length === 0 || !covers(meant, outputs)) return undefined;
  const same = answersFrom(meant, outputs).every((answer, i) => isSameAnswer(answer, meant[i]));
  if (!same) return undefined;
  const ids = new Set(meant.map((request) => request.request_id));
  const events = await holdfast.milestones(caller, runId);
  return events.findLast((it) => it.type === 'run.input_received' && ids.has(String(it.data.request_id)))?.seq;
}

function isSameAnswer(answer: ReturnType<typeof answersFrom>[number], request: RunRequest | undefined): boolean {
  const before = request?.answer;
  if (answer.content !== undefined) return before?.content === answer.content;
  const known = new Map(before?.tool_outputs?.map((it) => [it.call_id, it.output]));
  return answer.tool_outputs?.every((it) => known.get(it.call_id) === it.output) ?? false;
}

/** An output that its request does not take, as `approve_tool` answered by `maybe`. */
function notAnAnswer(
  message: string,
  requests: RunRequest[],
  outputs: Outputs,
  details: Record<string, unknown> | undefined,
) {
  const request = requests.find((it) => it.request_id === details?.request_id);
  const ids = request ? actionsOf([request]).map(({ id }) => id) : [];
  const index = outputs.findIndex((it) => ids.includes(it.tool_call_id ?? ''));
  const param = index === -1 ? 'tool_outputs' : `tool_outputs[${index}].output`;
  return refusal(message, { param, code: 'invalid_value' });
}

const listed = (ids: string[]) => `[${ids.map((id) => `'${id}'`).join(', ')}]`;
