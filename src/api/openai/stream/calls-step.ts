import type { Usage } from '../../../models/types.ts';
import type { LastError } from '../views/outcome.ts';
import type { RunFacts } from '../views/run.ts';
import { callObject, type Step, type StepCall, type StepEnd, stepIdOf, stepObject } from '../views/step.ts';
import type { Frame } from './frame.ts';

/** The calls of one turn, all in one step: it has completed when each has its output. */
export class CallsStep {
  readonly step: Step;
  readonly #run: RunFacts;
  readonly #calls: StepCall[] = [];
  readonly #usage: Usage | null;

  /** `firstCall` names the step; `usage` is what its turn cost where no message has it. */
  constructor(run: RunFacts, at: number, firstCall: string, usage: Usage | null) {
    this.#run = run;
    this.#usage = usage;
    const details = { calls: this.#calls };
    this.step = { id: stepIdOf(firstCall), created_at: at, details, end: null, usage: null };
  }

  opening(): Frame[] {
    const data = this.#object();
    return [
      { event: 'thread.run.step.created', data },
      { event: 'thread.run.step.in_progress', data },
    ];
  }

  add(call: StepCall): Frame {
    const index = this.#calls.push(call) - 1;
    const delta = { step_details: { type: 'tool_calls', tool_calls: [{ index, ...callObject(call) }] } };
    return { event: 'thread.run.step.delta', data: { id: this.step.id, object: 'thread.run.step.delta', delta } };
  }

  /** Calls without an output. */
  open(): StepCall[] {
    return this.step.end ? [] : this.#calls.filter((call) => call.output === null);
  }

  /** The outputs are shown with the step's end: npm's helpers take a delta of an earlier call for a new one. */
  answer(callId: string, output: string, at: number): Frame[] {
    const call = this.open().find((it) => it.id === callId);
    if (!call) return [];
    call.output = output;
    return this.open().length === 0 ? this.end('completed', null, at) : [];
  }

  /** Nothing happens to a step that has ended. */
  end(as: StepEnd, error: LastError | null, at: number): Frame[] {
    if (this.step.end) return [];
    this.step.end = { as, at, error };
    if (as === 'completed') this.step.usage = this.#usage;
    return [{ event: `thread.run.step.${as}`, data: this.#object() }];
  }

  #object() {
    return stepObject(this.#run, this.step);
  }
}
