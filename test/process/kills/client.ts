/**
 * A client that outlasts its server: it repeats what was not answered under the same Idempotency-Key, follows events from after
 * the last one it saw, and answers every request as a person would.
 */
import { heldBack } from '../../../src/held-back.ts';
import { isConnectionError } from '../../support/connection-error.ts';
import type { SeenEvent } from '../../support/events.ts';
import type { Answer } from '../../support/server.ts';
import { until } from '../../support/until.ts';
import { isTerminal, watch } from '../reader.ts';
import type { Lane } from './lane.ts';
import { ANSWERS } from './story.ts';

/** The longest a run may take to its next event, recoveries and boots included. */
const NEXT_EVENT_WITHIN_MS = 60_000;

/** What a client was shown of a run, over all its connections. */
export type Shown = { run_id: string; text: string; events: SeenEvent[] };

export class Client {
  readonly #lane: Lane;
  /** Milliseconds from the ready line of the server that followed a dead one to the first event that it showed. */
  nextEventMs: number | undefined;
  /** Answers under way. */
  readonly #answering: Promise<void>[] = [];

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  /** A request that a dead server may leave unanswered. */
  async tryOnce(method: string, path: string, body?: unknown, key?: string): Promise<Answer | 'lost'> {
    const life = this.#lane.lives;
    try {
      const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
      return await this.#lane.server.request(method, path, body, { headers });
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      await this.#lane.afterLife(life);
      return 'lost';
    }
  }

  /** A request that is repeated until it is answered. */
  async send(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
    for (;;) {
      const answer = await this.tryOnce(method, path, body, key);
      if (answer !== 'lost') return answer;
    }
  }

  /** Follows a run and the runs that it starts, each to its end: the run first. */
  async followAll(runId: string): Promise<Shown[]> {
    const children: Promise<Shown[]>[] = [];
    const shown = await this.#follow(runId, (event) => {
      const child = event.type === 'tool.progress' && event.data.run_id;
      if (child) children.push(heldBack(this.followAll(String(child))));
      if (event.type === 'run.waiting_for_input') this.#answering.push(heldBack(this.#answer(runId, event)));
    });
    const rest = await Promise.all(children);
    await Promise.all(this.#answering);
    return [shown, ...rest.flat()];
  }

  async #follow(runId: string, onEvent: (event: SeenEvent) => void): Promise<Shown> {
    const shown: Shown = { run_id: runId, text: '', events: [] };
    for (;;) {
      const life = this.#lane.lives;
      const query = `?after_seq=${shown.events.length}`;
      const reader = await watch(this.#lane.server, runId, { query }).catch((error: unknown) => {
        if (!isConnectionError(error)) throw error;
      });
      for (let seen = 0; reader; ) {
        const more = () => reader.events.length > seen || reader.end !== undefined;
        await until(more, `the next event of ${runId} after ${shown.events.length + seen}`, NEXT_EVENT_WITHIN_MS);
        const event = reader.events[seen];
        if (!event) break;
        if (shown.events.length > 0 && seen === 0) this.nextEventMs ??= performance.now() - this.#lane.server.readyAt;
        seen++;
        onEvent(event);
      }
      shown.text += reader?.text ?? '';
      shown.events.push(...(reader?.events ?? []));
      const last = shown.events.at(-1);
      if (last && isTerminal(last)) return shown;
      if (reader?.end === 'closed') throw new Error(`the stream of ${runId} ended before the run, after ${last?.type}`);
      await this.#lane.afterLife(life);
    }
  }

  async #answer(runId: string, { data }: SeenEvent): Promise<void> {
    const [call] = data.tool_calls as { call_id: string; name: string }[];
    if (!call) throw new Error(`a request about no call: ${JSON.stringify(data)}`);
    const content = data.kind === 'approval' ? 'approve' : await this.#lookWhatBecameOf(call);
    const body = { request_id: data.request_id, content };
    const answer = await this.send('POST', `/v1/runs/${runId}/input`, body, `answer-${data.request_id}`);
    if (answer.status !== 200) throw new Error(`${data.kind}: ${content}: ${answer.status} ${answer.text}`);
  }

  /** A person looks into the tool's own log: it acted, and this is its result, or it never began. */
  async #lookWhatBecameOf(call: { call_id: string; name: string }): Promise<string> {
    const states = () => this.#lane.executions().flatMap((line) => (line.call_id === call.call_id ? [line.state] : []));
    if (!states().includes('begun')) return 'retry';
    await until(() => states().includes('ended'), `what ${call.name} has begun has ended`);
    return `result: ${ANSWERS[call.name]}`;
  }
}
