/** One client at one task: creates runs, follows them and their children, and answers what they ask. */
import { heldBack } from '../../../src/held-back.ts';
import type { SeenEvent } from '../../support/events.ts';
import type { Plan, Turn } from '../plan.ts';
import type { Random } from '../random.ts';
import type { Case, ExpectedRun } from './case.ts';
import type { ChaosClient, FollowOptions, Shown } from './chaos-client.ts';

export type CreateOptions = {
  persona?: 'free' | 'careful';
  /** On this thread, after what runs there; default: on one of its own. */
  thread_id?: string;
  ends?: ExpectedRun['ends'];
  /** How often it is sent at once, under one key. */
  times?: number;
};

export class Actor {
  readonly case: Case;
  readonly client: ChaosClient;
  readonly random: Random;
  #plans = 0;
  readonly #answering: Promise<void>[] = [];

  constructor(id: string, scenario: string, client: ChaosClient, random: Random) {
    this.case = { id, scenario, runs: [], shown: [], answered: [], cancelled: [] };
    this.client = client;
    this.random = random;
  }

  plan(...turns: Turn[]): Plan {
    return { plan: `${this.case.id}-${this.#plans++}`, turns };
  }

  async create(
    plan: Plan,
    { persona = 'free', thread_id, ends = 'completed', times = 1 }: CreateOptions = {},
  ): Promise<string> {
    const path = thread_id === undefined ? '/v1/runs' : `/v1/threads/${thread_id}/runs`;
    const body = {
      ...{ persona_id: persona, input: JSON.stringify(plan), metadata: { case: this.case.id } },
      ...(thread_id === undefined ? {} : { on_busy: 'enqueue' }),
    };
    const answers = await Promise.all(
      Array.from({ length: times }, () => this.client.send('POST', path, body, `create-${plan.plan}`)),
    );
    const ids = new Set(
      answers.map(({ status, json }) => (status === 201 ? json.run_id : `${status} ${JSON.stringify(json)}`)),
    );
    const [run_id] = ids;
    if (ids.size !== 1 || answers[0]?.status !== 201)
      throw new Error(`one create was answered: ${[...ids].join('; ')}`);
    this.case.runs.push({ run_id, thread_id: thread_id ?? answers[0].json.thread_id, plan, ends });
    return run_id;
  }

  async cancel(runId: string): Promise<void> {
    const { status } = await this.client.send('POST', `/v1/runs/${runId}:cancel`, undefined, `cancel-${runId}`);
    if (status !== 200) throw new Error(`cancel of ${runId}: ${status}`);
    this.case.cancelled.push({ run_id: runId, at: Date.now() });
  }

  /** Follows a run and its children to their ends, answering what they ask. */
  async follow(runId: string, options: FollowOptions = {}): Promise<Shown> {
    const children = new Map<string, Promise<unknown>>();
    const shown = await this.client.follow(runId, {
      ...options,
      onEvent: (event) => {
        options.onEvent?.(event);
        const child = event.type === 'tool.progress' ? event.data.run_id : undefined;
        if (typeof child === 'string' && !children.has(child)) children.set(child, heldBack(this.follow(child)));
        if (event.type === 'run.waiting_for_input') this.#answering.push(heldBack(this.#answer(runId, event)));
      },
    });
    this.case.shown.push(shown);
    await Promise.all(children.values());
    await Promise.all(this.#answering);
    return shown;
  }

  /** What a person would say, at times in two windows at once: one of them is taken. */
  async #answer(runId: string, { data }: SeenEvent): Promise<void> {
    const { request_id, kind } = data as { request_id: string; kind: string };
    const contents = this.#contents(kind, request_id);
    const send = async (content: string, i: number) => {
      const key = `answer-${request_id}-${i}`;
      const { status, json } = await this.client.send('POST', `/v1/runs/${runId}/input`, { request_id, content }, key);
      if (status === 200) this.case.answered.push({ request_id, kind, content });
      else if (status !== 409) throw new Error(`answer to ${request_id}: ${status} ${JSON.stringify(json)}`);
      return status;
    };
    const statuses = await Promise.all(contents.map(send));
    const taken = statuses.filter((status) => status === 200).length;
    const mayEnd = this.case.runs.some((run) => run.ends !== 'completed');
    if (taken > 1 || (taken === 0 && !mayEnd))
      throw new Error(`answers to ${request_id} (${kind}): ${statuses.join(', ')}`);
  }

  #contents(kind: string, requestId: string): string[] {
    if (kind === 'approval') return [this.random.chance(0.7) ? 'approve' : 'deny: not today'];
    if (kind === 'unknown_outcome') return [this.random.pick(['retry', 'skip', 'result: it was seen'])];
    const answers = this.random.chance(0.3) ? ['left', 'right'] : ['one'];
    return answers.map((window) => `the ${window} answer to ${requestId}`);
  }
}
