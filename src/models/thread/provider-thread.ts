/**
 * The thread that talks to providers: a chunk's way through HTTP, its stream's layers and its check costs more than all that is done
 * with it later, and none of it holds up the event loop that serves.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadProvider } from '../provider.ts';
import { sdkSource } from '../sdk-stream.ts';
import type { Source } from '../step.ts';
import { ModelError } from '../types.ts';
import { type Command, MAX_PARTS_AHEAD, type Said, type StreamError } from './messages.ts';
import type { SdkRouteConfig } from './threaded-sources.ts';

const port = parentPort;
if (!port) throw new Error('what talks to providers runs as a thread');
const sources = new Map<string, Source>();
for (const config of workerData as SdkRouteConfig[]) {
  sources.set(config.id, sdkSource(config, await loadProvider(config)));
}

type Open = { connection: AbortController; ahead: number; goOn: (() => void) | undefined };

const open = new Map<number, Open>();
const saying: Said[] = [];

port.on('message', (commands: Command[]) => {
  for (const command of commands) {
    if (command.kind === 'open') void run(command);
    else if (command.kind === 'abort') abort(command.stream);
    else taken(command);
  }
});

say({ kind: 'ready' });

/** What one turn of the event loop brings goes over together. */
function say(said: Said): void {
  if (saying.push(said) === 1) setImmediate(() => port?.postMessage(saying.splice(0)));
}

async function run({ stream, route, request }: Extract<Command, { kind: 'open' }>): Promise<void> {
  const state: Open = { connection: new AbortController(), ahead: 0, goOn: undefined };
  open.set(stream, state);
  let end: Said = { kind: 'end', stream };
  try {
    const source = sources.get(route);
    if (!source) throw new TypeError(`Route "${route}" is not one of this thread.`);
    state.connection.signal.throwIfAborted();
    for await (const part of source(request, state.connection.signal, () => say({ kind: 'sign', stream }))) {
      say({ kind: 'part', stream, part });
      state.ahead++;
      if (state.ahead >= MAX_PARTS_AHEAD) await room(state);
      state.connection.signal.throwIfAborted();
    }
  } catch (error) {
    end = { ...end, error: asData(error) };
  } finally {
    open.delete(stream);
    say(end);
  }
}

/** Waits until its reader has taken some, or leaves. */
function room(state: Open): Promise<void> {
  return new Promise((resolve) => {
    state.goOn = resolve;
  });
}

function abort(stream: number): void {
  const state = open.get(stream);
  state?.connection.abort();
  state?.goOn?.();
}

function taken({ stream, parts }: Extract<Command, { kind: 'taken' }>): void {
  const state = open.get(stream);
  if (!state) return;
  state.ahead -= parts;
  if (state.ahead < MAX_PARTS_AHEAD) state.goOn?.();
}

function asData(error: unknown): StreamError {
  if (error instanceof ModelError) {
    const { code, message, retryable, status, retryAfterMs } = error;
    return {
      ...{ code, message, retryable },
      ...(status === undefined ? {} : { status }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack };
}
