/** Sources of model parts whose work is done in a thread of its own. */
import { Worker } from 'node:worker_threads';
import { heldBack } from '../../held-back.ts';
import type { Source } from '../step.ts';
import { ModelError, type ModelPart, type ModelRequest, type RouteConfig } from '../types.ts';
import { type Command, MAX_PARTS_AHEAD, type Said, type StreamError } from './messages.ts';

export type SdkRouteConfig = RouteConfig & { provider: Exclude<RouteConfig['provider'], 'demo'> };

/** The thread is told of what was taken when it is this much. */
const TOLD_EVERY_PARTS = MAX_PARTS_AHEAD / 4;

/** What became of a stream whose thread ended: the step is tried again, in a new one. */
const LOST = 'The thread that talks to providers ended';

/**
 * Starts the thread for these routes, waits until it can talk to their providers, and gives each its source. A source's stream ends only
 * when the thread has closed its connection, also when it is aborted. A thread that ends by itself fails its streams with a retryable
 * ModelError, and the next stream starts another.
 */
export async function threadedSources(configs: SdkRouteConfig[]): Promise<(routeId: string) => Source> {
  let thread = new ProviderThread(configs);
  await thread.ready;
  return (routeId) =>
    async function* (request, signal, onSign) {
      if (!thread.isAlive) thread = new ProviderThread(configs);
      yield* thread.stream(routeId, request, signal, onSign);
    };
}

class ProviderThread {
  isAlive = true;
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #streams = new Map<number, Stream>();
  #commands: Command[] = [];
  #last = 0;

  constructor(configs: SdkRouteConfig[]) {
    this.#worker = new Worker(new URL('./provider-thread.ts', import.meta.url), { workerData: configs });
    // Only who started the first one waits for it.
    this.ready = heldBack(this.#ready.promise);
    this.#worker.on('message', (all: Said[]) => {
      for (const said of all) this.#hear(said);
    });
    this.#worker.on('error', (error: Error) => this.#lost(`${LOST}: ${error.message}`));
    this.#worker.on('exit', (code) => this.#lost(`${LOST} with code ${code}.`));
  }

  async *stream(
    route: string,
    request: ModelRequest,
    signal: AbortSignal,
    onSign: () => void,
  ): AsyncGenerator<ModelPart> {
    const id = ++this.#last;
    const stream = new Stream(onSign);
    this.#streams.set(id, stream);
    this.#tell({ kind: 'open', stream: id, route, request });
    const abort = () => this.#tell({ kind: 'abort', stream: id });
    signal.addEventListener('abort', abort, { once: true });
    let untold = 0;
    try {
      for (let parts = await stream.parts(); parts.length > 0; parts = await stream.parts()) {
        yield* parts;
        untold += parts.length;
        if (untold < TOLD_EVERY_PARTS) continue;
        this.#tell({ kind: 'taken', stream: id, parts: untold });
        untold = 0;
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', abort);
      if (!stream.hasEnded) abort();
      await stream.ended;
      this.#streams.delete(id);
    }
  }

  #hear(said: Said): void {
    if (said.kind !== 'ready') {
      this.#streams.get(said.stream)?.take(said);
      return;
    }
    // It holds no process: whoever waits for a stream does.
    this.#worker.unref();
    this.#ready.resolve();
  }

  /** What one turn of the event loop says goes over together. */
  #tell(command: Command): void {
    if (this.#commands.push(command) > 1) return;
    setImmediate(() => {
      const commands = this.#commands;
      this.#commands = [];
      this.#worker.postMessage(commands);
    });
  }

  #lost(message: string): void {
    this.isAlive = false;
    this.#ready.reject(new Error(message));
    const error = { code: 'provider.unavailable' as const, message, retryable: true };
    for (const [id, stream] of this.#streams) stream.take({ kind: 'end', stream: id, error });
  }
}

/** One stream, as its reader sees it. */
class Stream {
  hasEnded = false;
  readonly ended: Promise<void>;
  readonly #onSign: () => void;
  readonly #end = Promise.withResolvers<void>();
  #parts: ModelPart[] = [];
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(onSign: () => void) {
    this.#onSign = onSign;
    this.ended = this.#end.promise;
  }

  take(said: Exclude<Said, { kind: 'ready' }>): void {
    this.#onSign();
    if (said.kind === 'sign') return;
    if (said.kind === 'part') this.#parts.push(said.part);
    else {
      this.hasEnded = true;
      if (said.error) this.#error = asError(said.error);
      this.#end.resolve();
    }
    this.#wake?.();
  }

  /** The parts that have come since; none at the end. Throws what went wrong, after them. */
  async parts(): Promise<ModelPart[]> {
    while (this.#parts.length === 0 && !this.hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const parts = this.#parts;
    if (parts.length === 0 && this.#error) throw this.#error;
    this.#parts = [];
    return parts;
  }
}

function asError(error: StreamError): Error {
  if ('code' in error) return new ModelError(error.code, error.message, error);
  return Object.assign(new Error(error.message), { stack: error.stack });
}
