import type { Slots } from '../slots.ts';
import { ModelError, type ModelErrorCode, type ModelPart, type ModelRequest } from './types.ts';

const MS_PER_SECOND = 1_000;
/** How long a step that was broken off waits for its source to say that it has stopped. */
export const STOP_WITHIN_MS = 1_000;

/**
 * Where a step's parts come from: a provider, or the demo model. It stops working when `signal` aborts, calls `onSign`
 * for signs of life that are not parts (bytes on the wire), and throws ModelErrors.
 */
export type Source = (request: ModelRequest, signal: AbortSignal, onSign: () => void) => AsyncIterable<ModelPart>;

/** Why a step is over: its source ended, its signal aborted it, its consumer left, or it failed with that code. */
export type StepEnd = 'ok' | 'aborted' | 'left' | 'failed' | ModelErrorCode;

/** Told how a step goes: when it has its slot, of every part, and of its end, unless it never had a slot. */
export type StepObserver = { begun(): void; part(part: ModelPart): void; ended(end: StepEnd): void };

/** What a route grants each step. */
export type StepLimits = { slots: Slots; idleTimeoutS: number };

/**
 * Runs one step of a source under its route's limits: waits for a slot, breaks off after `idleTimeoutS` of silence
 * (ModelError `provider.timeout`), throws the signal's reason when it aborts, and closes the source's connection
 * however the step ends, also when the consumer leaves early: a step is over when its source has stopped, which it is given
 * `STOP_WITHIN_MS` for. Waiting for a slot, and a slow consumer, are not silence.
 */
export async function* runStep(
  source: Source,
  limits: StepLimits,
  request: ModelRequest,
  signal: AbortSignal,
  observer?: StepObserver,
): AsyncGenerator<ModelPart, void, undefined> {
  await limits.slots.take(signal, request.tenant);
  observer?.begun();
  const connection = new AbortController();
  const watch = new Watch(limits.idleTimeoutS * MS_PER_SECOND);
  const onAbort = () => {
    watch.breakOff(signal.reason);
    connection.abort(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const parts = source(request, connection.signal, watch.sign)[Symbol.asyncIterator]();
  let working: Promise<unknown> | undefined;
  let end: StepEnd = 'left';
  try {
    for (;;) {
      signal.throwIfAborted();
      const asked = parts.next();
      working = asked;
      const next = await watch.wait(asked);
      working = undefined;
      if (next.done) {
        end = 'ok';
        return;
      }
      observer?.part(next.value);
      yield next.value;
    }
  } catch (error) {
    end = signal.aborted ? 'aborted' : error instanceof ModelError ? error.code : 'failed';
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    watch.stop();
    connection.abort();
    limits.slots.release();
    observer?.ended(end);
    // A source that is still at work ends by the abort; only one that rests at a part has to be told.
    await stopped(working ?? parts.return?.());
  }
}

/** Waits for a source's end, however it comes; one that does not stop is left. */
async function stopped(ending: Promise<unknown> | undefined): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, STOP_WITHIN_MS);
  await Promise.race([Promise.allSettled([ending]), late.promise]);
  clearTimeout(timer);
}

/** Watches one source for silence. A single timer, set again only when it fires: chunks cost it nothing but a clock reading. */
class Watch {
  readonly #limitMs: number;
  #timer: NodeJS.Timeout;
  #lastSign = performance.now();
  #waiting: ((reason: unknown) => void) | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.#timer = setTimeout(this.#check, limitMs);
  }

  readonly sign = (): void => {
    this.#lastSign = performance.now();
  };

  /** Settles as `promise` does, unless the watch breaks off first. */
  wait<T>(promise: Promise<T>): Promise<T> {
    this.sign();
    return new Promise<T>((resolve, reject) => {
      this.#waiting = reject;
      promise.then(
        (value) => {
          this.#waiting = undefined;
          resolve(value);
        },
        (error: unknown) => {
          this.#waiting = undefined;
          reject(error);
        },
      );
    });
  }

  breakOff(reason: unknown): void {
    this.#waiting?.(reason);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #check = (): void => {
    const silentMs = this.#waiting === undefined ? 0 : performance.now() - this.#lastSign;
    if (silentMs >= this.#limitMs) {
      const message = `The provider was silent for ${this.#limitMs / MS_PER_SECOND} s.`;
      this.breakOff(new ModelError('provider.timeout', message, { retryable: true }));
    } else {
      this.#timer = setTimeout(this.#check, Math.ceil(this.#limitMs - silentMs));
    }
  };
}
