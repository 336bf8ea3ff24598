import { ApplicationFailure } from '@temporalio/activity';

/**
 * How a worker's end hands over the steps that are still at work: their leases are given back, so that the next worker begins at once,
 * not when a heartbeat has been missed. What may be repeated costs time and tokens when it is made again, a tool with side effects costs a
 * person's word: so that is given the longer time.
 */
export type Handover = {
  /** Aborts when model turns, and calls of tools that may be repeated, are handed over. */
  repeatable: AbortSignal;
  /** The same for calls of tools with side effects. */
  sideEffects: AbortSignal;
};

export type HandoverTimes = { repeatableMs: number; sideEffectsMs: number };

/** `begin` starts the time of both; `done` when nothing is at work any more. */
export function openHandover(): Handover & { begin(times: HandoverTimes): void; done(): void } {
  const repeatable = new AbortController();
  const sideEffects = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  return {
    repeatable: repeatable.signal,
    sideEffects: sideEffects.signal,
    begin({ repeatableMs, sideEffectsMs }) {
      timers.push(setTimeout(() => repeatable.abort(), repeatableMs));
      timers.push(setTimeout(() => sideEffects.abort(), sideEffectsMs));
    },
    done() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** Tells Temporal to give a step, of which nothing is at work here, to another worker at once. */
export function leftToTheNext(): ApplicationFailure {
  const message = 'The worker ends; another one begins the step.';
  return ApplicationFailure.create({ type: 'step.worker_shutdown', message, nextRetryDelay: 1 });
}
