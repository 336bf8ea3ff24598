/**
 * A run's events as OpenAI tells them: events in, frames out. It knows no database and no HTTP; streams, run steps and the
 * continuation of a stream after a submit all come from it, by what they take and what they leave out.
 */
import type { RunEvent } from '../../../runs/dialect-types.ts';
import type { ShowRun } from '../run-style.ts';
import { actionsOf, type OpenRequest } from '../views/actions.ts';
import { ACCEPTED, hasEnded, type RunFacts, type RunState, runObject } from '../views/run.ts';
import type { Step } from '../views/step.ts';
import { CallsStep } from './calls-step.ts';
import { type EndOf, endOf } from './end-of.ts';
import type { Frame } from './frame.ts';
import { MessageStep } from './message-step.ts';
import { readRequest, readUsage } from './read-event.ts';

/** The server's own tool that time answers. */
const WAIT = 'wait';

export class RunStory {
  readonly facts: RunFacts;
  readonly #show: ShowRun;
  readonly #onStep: (step: Step) => void;
  #run: RunState = ACCEPTED;
  /** `queued` after an answer is told once the outputs that came with it are. */
  #toldQueued = true;
  #message: MessageStep | undefined;
  #calls: CallsStep | undefined;
  readonly #requests = new Map<string, OpenRequest>();
  /** What is open was asked for, and no answer has come since. */
  #asks = false;
  /** Why the model stopped last. */
  #finish: string | null = null;
  /** Tokens that steps have been given so far. */
  #counted = { input_tokens: 0, output_tokens: 0 };

  /**
   * `show` writes the run itself. `onStep` is told each step when it is first shown; the step is brought up to date in place. Nothing
   * that has ended is kept.
   */
  constructor(facts: RunFacts, options: { show?: ShowRun; onStep?: (step: Step) => void } = {}) {
    this.facts = facts;
    this.#show = options.show ?? runObject;
    this.#onStep = options.onStep ?? (() => undefined);
  }

  /** Whether a stream ends here: with the run, or with what it asks of its client. */
  get over(): boolean {
    return this.#asks || hasEnded(this.#run.status);
  }

  /** The frames of a run that was just accepted. */
  opening(): Frame[] {
    return [{ event: 'thread.run.created', data: this.#object() }, this.#frame()];
  }

  take(event: RunEvent): Frame[] {
    const { type, data, created_at: at } = event;
    switch (type) {
      case 'run.started':
        return this.#become({ status: 'in_progress', started_at: at });
      case 'turn.started':
        return [...this.#newTurn(at), ...this.#resume()];
      case 'message.delta':
        return this.#message?.say(String(data.message_id), String(data.content)) ?? [];
      case 'message.completed':
        return this.#completed(event);
      case 'message.reset':
        return this.#voided(at, String(data.reason));
      case 'tool.call':
        return this.#called(event);
      case 'tool.progress':
        return this.#resume();
      case 'tool.result':
        return this.#answered(event);
      case 'run.waiting_for_input':
        return this.#asked(event);
      case 'run.input_received':
        return this.#received(String(data.request_id));
      case 'run.cancel_requested':
        this.#requests.clear();
        return [...this.#tellQueued(), ...this.#become({ status: 'cancelling' })];
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
        return this.#ended(event);
      default:
        return [];
    }
  }

  #newTurn(at: number): Frame[] {
    // A turn that said nothing and called nothing is followed by another when its user has written meanwhile.
    const before = this.#message?.emptyAnswer() ?? [];
    this.#message = new MessageStep(this.facts, at, this.#onStep);
    return before;
  }

  #completed({ data, created_at: at }: RunEvent): Frame[] {
    const usage = readUsage(data.usage);
    this.#count(usage);
    this.#finish = String(data.finish_reason);
    const finish = { at, usage, finish_reason: this.#finish };
    return this.#message?.complete(String(data.message_id), String(data.content), finish) ?? [];
  }

  /** What an attempt had said is void: the turn is tried again under another message. */
  #voided(at: number, reason: string): Frame[] {
    const message = this.#message;
    this.#message = undefined;
    const error = { code: 'server_error', message: `The turn is tried again: ${reason}.` } as const;
    return message?.end({ step: 'failed', message: 'run_failed', error }, at) ?? [];
  }

  #called({ data, created_at: at }: RunEvent): Frame[] {
    const frames: Frame[] = [];
    const call = { id: String(data.call_id), name: String(data.name), arguments: data.arguments, output: null };
    if (!this.#calls || this.#calls.step.end) {
      const usage = this.#message?.unclaimedUsage() ?? null;
      this.#calls = new CallsStep(this.facts, at, call.id, usage);
      this.#onStep(this.#calls.step);
      frames.push(...this.#calls.opening());
    }
    return [...frames, this.#calls.add(call)];
  }

  #answered({ data, created_at: at }: RunEvent): Frame[] {
    const frames = this.#calls?.answer(String(data.call_id), String(data.output), at) ?? [];
    if (frames.length > 0) frames.push(...this.#tellQueued());
    return [...frames, ...this.#ask(at)];
  }

  #asked({ data, created_at: at }: RunEvent): Frame[] {
    const request = readRequest(data);
    if (request.kind === 'question') {
      // The event of a question is its prompt alone; its call is the first of that question that no request has yet.
      const taken = new Set([...this.#requests.values()].flatMap((it) => it.tool_calls.map((call) => call.call_id)));
      const own = this.#calls?.open().find((it) => it.name === 'ask_user' && !taken.has(it.id));
      if (own) request.tool_calls = [{ call_id: own.id, name: own.name, arguments: own.arguments }];
    }
    this.#requests.set(request.request_id, request);
    return this.#ask(at);
  }

  /** Asks for what is open, as soon as the server's own calls of the turn are done. */
  #ask(at: number): Frame[] {
    if (this.#requests.size === 0) return [];
    const requests = [...this.#requests.values()];
    const waiting = new Set(requests.flatMap((request) => request.tool_calls.map((call) => call.call_id)));
    // A `wait` sleeps; it is over when the next turn begins.
    if (this.#calls?.open().some((call) => !waiting.has(call.id) && call.name !== WAIT)) return [];
    // An attempt that was cut before its budget was asked about says nothing more.
    const cut = this.#voided(at, 'its budget is spent');
    this.#asks = true;
    return [...cut, ...this.#become({ status: 'requires_action', actions: actionsOf(requests) })];
  }

  #received(requestId: string): Frame[] {
    this.#requests.delete(requestId);
    this.#asks = false;
    if (this.#requests.size === 0) {
      this.#run = { ...this.#run, status: 'queued' };
      this.#toldQueued = false;
    }
    return [];
  }

  #tellQueued(): Frame[] {
    if (this.#toldQueued || this.#run.status !== 'queued') return [];
    this.#toldQueued = true;
    return [this.#frame()];
  }

  /** A step has begun after an answer. */
  #resume(): Frame[] {
    if (this.#run.status !== 'queued') return [];
    return [...this.#tellQueued(), ...this.#become({ status: 'in_progress' })];
  }

  #ended({ type, data, created_at: at }: RunEvent): Frame[] {
    const end = endOf(type, data, this.#finish);
    this.#requests.clear();
    const usage = readUsage(data.usage);
    const frames = this.#tellQueued();
    if (type === 'run.completed') {
      frames.push(...(this.#message?.emptyAnswer() ?? []));
    } else {
      frames.push(...(this.#message?.end(this.#lastStep(end, usage), at) ?? []));
      frames.push(...(this.#calls?.end(end.step, end.error, at) ?? []));
    }
    const ended = {
      usage,
      completed_at: end.run === 'completed' ? at : null,
      failed_at: end.run === 'failed' ? at : null,
      cancelled_at: end.run === 'cancelled' ? at : null,
    };
    return [
      ...frames,
      ...this.#become({
        ...ended,
        status: end.run,
        last_error: end.error,
        incomplete: end.incomplete,
      }),
    ];
  }

  /** A step that its token limit cut has done its work; its tokens are those that no other step has. */
  #lastStep(end: EndOf, usage: RunState['usage']) {
    const rest = usage && {
      ...usage,
      input_tokens: usage.input_tokens - this.#counted.input_tokens,
      output_tokens: usage.output_tokens - this.#counted.output_tokens,
    };
    return { step: end.step, message: end.message, error: end.error, usage: end.step === 'completed' ? rest : null };
  }

  #count(usage: RunState['usage']): void {
    this.#counted.input_tokens += usage?.input_tokens ?? 0;
    this.#counted.output_tokens += usage?.output_tokens ?? 0;
  }

  #become(change: Partial<RunState>): Frame[] {
    this.#run = { ...this.#run, ...change };
    return [this.#frame()];
  }

  #frame(): Frame {
    return { event: `thread.run.${this.#run.status}`, data: this.#object() };
  }

  #object() {
    return this.#show(this.facts, this.#run);
  }
}
