import type { Usage } from '../../../models/types.ts';
import { messageObject } from '../views/message.ts';
import { cutReason, type LastError, type MessageReason } from '../views/outcome.ts';
import type { RunFacts } from '../views/run.ts';
import { type Step, type StepEnd, stepIdOf, stepObject } from '../views/step.ts';
import type { Frame } from './frame.ts';

/** How a turn was done. */
type Finish = { at: number; usage: Usage | null; finish_reason: string };
type Ending = { step: StepEnd; message: MessageReason; error: LastError | null; usage?: Usage | null };

/** What one attempt at a turn says: nothing is shown of it before its first text. */
export class MessageStep {
  readonly #run: RunFacts;
  readonly #begunAt: number;
  readonly #onOpen: (step: Step) => void;
  #step: Step | undefined;
  #id = '';
  #content = '';
  /** Usage of a turn that said nothing, and when it was done: its calls' own. */
  #unclaimed: Finish | undefined;

  /** `begunAt` in milliseconds since 1970; `onOpen` is told the step when it is first shown. */
  constructor(run: RunFacts, begunAt: number, onOpen: (step: Step) => void) {
    this.#run = run;
    this.#begunAt = begunAt;
    this.#onOpen = onOpen;
  }

  say(messageId: string, text: string): Frame[] {
    if (text === '') return [];
    const opening = this.#step ? [] : this.#open(messageId);
    const first = this.#content === '';
    this.#content += text;
    const value = { value: text, ...(first ? { annotations: [] } : {}) };
    const delta = { content: [{ index: 0, type: 'text', text: value }] };
    return [
      ...opening,
      { event: 'thread.message.delta', data: { id: messageId, object: 'thread.message.delta', delta } },
    ];
  }

  /** The turn is done; one that said nothing shows nothing, unless it turns out to be the answer. */
  complete(messageId: string, content: string, finish: Finish): Frame[] {
    this.#id = messageId;
    if (content === '') {
      this.#unclaimed = finish;
      return [];
    }
    const opening = this.#step ? [] : this.#open(messageId);
    this.#content = content;
    return [...opening, ...this.#finished(finish)];
  }

  /** The usage of a turn without a text goes to its calls; of a turn with one, nothing is left. */
  unclaimedUsage(): Usage {
    const usage = this.#unclaimed?.usage ?? NOTHING;
    this.#unclaimed = undefined;
    return usage;
  }

  /** The turn said nothing and called nothing: that is its answer. */
  emptyAnswer(): Frame[] {
    if (this.#unclaimed === undefined) return [];
    const finish = this.#unclaimed;
    this.#unclaimed = undefined;
    return [...this.#open(this.#id), ...this.#finished(finish)];
  }

  /** The attempt was cut. Nothing happens to one that has ended or was never shown. */
  end({ step, message, error, usage = null }: Ending, at: number): Frame[] {
    if (!this.#step || this.#step.end) return [];
    return this.#close({ as: step, at, error }, message, usage);
  }

  #open(messageId: string): Frame[] {
    this.#id = messageId;
    const details = { message_id: messageId };
    this.#step = { id: stepIdOf(messageId), created_at: this.#begunAt, details, end: null, usage: null };
    this.#onOpen(this.#step);
    const step = stepObject(this.#run, this.#step);
    const message = this.#message(null, null);
    return [
      { event: 'thread.run.step.created', data: step },
      { event: 'thread.run.step.in_progress', data: step },
      { event: 'thread.message.created', data: message },
      { event: 'thread.message.in_progress', data: message },
    ];
  }

  #finished({ at, usage, finish_reason }: Finish): Frame[] {
    return this.#close({ as: 'completed', at, error: null }, cutReason(finish_reason), usage);
  }

  #close(end: NonNullable<Step['end']>, incomplete: MessageReason | null, usage: Usage | null): Frame[] {
    const step = this.#step as Step;
    step.end = end;
    step.usage = usage;
    const event = incomplete ? 'thread.message.incomplete' : 'thread.message.completed';
    return [
      { event, data: this.#message(end.at, incomplete) },
      { event: `thread.run.step.${end.as}`, data: stepObject(this.#run, step) },
    ];
  }

  #message(endedAt: number | null, incomplete: MessageReason | null) {
    return messageObject({
      id: this.#id,
      thread_id: this.#run.thread_id,
      run_id: this.#run.id,
      assistant_id: this.#run.assistant_id,
      role: 'assistant',
      content: endedAt === null || this.#content === '' ? [] : [{ type: 'text', text: this.#content }],
      metadata: {},
      created_at: this.#begunAt,
      end: endedAt === null ? null : { at: endedAt, incomplete },
    });
  }
}

const NOTHING: Usage = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, reasoning_tokens: 0 };
