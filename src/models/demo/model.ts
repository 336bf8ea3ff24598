import { errorOfStatus } from '../model-error.ts';
import type { Source } from '../step.ts';
import type { FinishReason, ModelPart, ModelRequest, Usage } from '../types.ts';
import { DEFAULT_DELAY_MS, type Directive } from './script.ts';
import { countPromptWords, nextTurn, summarise } from './turn.ts';

const MS_PER_SECOND = 1_000;
/** Chunks sent without a pause before the event loop gets its turn. */
const UNPACED_BATCH = 64;
/** Chunks that fell due while the process was busy are caught up on, up to this far behind. */
const MAX_LAG_MS = 100;

type Call = Extract<Directive, { kind: 'call' }>;

/**
 * The built-in model: deterministic, offline, stateless; what it says follows from the request alone
 * (contract: running.md, "The demo model"). A script with a line it does not understand is answered with a text that names the line.
 * The pace of a `/stream` holds for what its turn says after it, the summary too. `/usage` counts for the turn it stands in;
 * `/fail times=n` fails the first n attempts of its turn.
 */
export const demoSource: Source = async function* (request, signal) {
  const limit = request.max_output_tokens ?? Number.POSITIVE_INFINITY;
  const pace = new Pace(signal);
  let chunks = 0;
  let delayMs = DEFAULT_DELAY_MS;
  const turn = nextTurn(request);
  const { directives, closing } =
    'problem' in turn
      ? { directives: [], closing: turn.problem }
      : { directives: turn.directives, closing: turn.last ? summarise(turn.results) : '' };
  const declared = directives.find((it) => it.kind === 'usage');
  const finish = (reason: FinishReason): ModelPart => ({
    type: 'finish',
    finish_reason: reason,
    usage: countUsage(request, Math.min(declared?.output ?? chunks, limit), declared),
  });

  let failures = 0;
  const calls: Call[] = [];
  const script: Directive[] = [...directives, ...closingWords(directives, closing, 'problem' in turn || turn.last)];
  for (const directive of script) {
    if (directive.kind === 'think') {
      await pace.sleep(directive.ms);
    } else if (directive.kind === 'call') calls.push(directive);
    else if (directive.kind === 'fail') {
      failures += directive.times;
      if ((request.attempt ?? 1) <= failures) throw failure(directive);
    } else if (directive.kind !== 'usage') {
      if (directive.kind === 'stream') delayMs = directive.delayMs;
      for (const text of chunksOf(directive, chunks > 0)) {
        if (chunks >= limit) return yield finish('length');
        await pace.next(delayMs);
        chunks++;
        yield { type: 'text', text };
      }
    }
  }
  if (declared?.output !== undefined && declared.output > limit) return yield finish('length');
  for (const [index, call] of calls.entries()) {
    if (chunks >= limit) return yield finish('length');
    chunks++;
    yield { type: 'tool_call', provider_call_id: `demo_${index + 1}`, name: call.name, arguments: call.arguments };
  }
  yield finish(calls.length > 0 ? 'tool_calls' : 'stop');
};

/** The summary of what tools returned; a turn that would otherwise say nothing at its end says `Done.` */
function closingWords(directives: Directive[], closing: string, last: boolean): Directive[] {
  if (closing !== '') return [{ kind: 'say', text: closing }];
  const speaks = directives.some(
    (it) => (it.kind === 'say' && it.text !== '') || (it.kind === 'stream' && it.chunks > 0),
  );
  return last && !speaks ? [{ kind: 'say', text: 'Done.' }] : [];
}

/** A text word by word, or the numbered words of `/stream`; what follows earlier text begins on a new line. */
function* chunksOf(directive: Extract<Directive, { kind: 'say' | 'stream' }>, follows: boolean): Generator<string> {
  let lead = follows ? '\n' : '';
  if (directive.kind === 'say') {
    for (const word of directive.text.match(/\s*\S+/g) ?? []) {
      yield lead + word;
      lead = '';
    }
  } else {
    for (let n = 1; n <= directive.chunks; n++) {
      yield `${lead}word${n}${n < directive.chunks ? ' ' : ''}`;
      lead = '';
    }
  }
}

function failure({ status, retryAfterS }: Extract<Directive, { kind: 'fail' }>): Error {
  return errorOfStatus(status, `The demo model was told to fail with HTTP ${status}.`, {
    retryAfterMs: retryAfterS === undefined ? undefined : retryAfterS * MS_PER_SECOND,
  });
}

function countUsage(
  request: ModelRequest,
  output: number,
  declared: Extract<Directive, { kind: 'usage' }> | undefined,
): Usage {
  const input = declared?.input ?? countPromptWords(request);
  return {
    input_tokens: input,
    cached_input_tokens: Math.min(declared?.cached ?? 0, input),
    output_tokens: output,
    reasoning_tokens: 0,
  };
}

/** Spaces chunks out by a schedule, so that late timers do not add up; without a delay it only lets the event loop breathe. */
class Pace {
  #due = performance.now();
  #unpaced = 0;
  #timer: NodeJS.Timeout | undefined;
  #abort: ((reason: unknown) => void) | undefined;

  /** One listener a step: one for each chunk would cost more than the chunk. */
  constructor(signal: AbortSignal) {
    const onAbort = () => {
      clearTimeout(this.#timer);
      this.#abort?.(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  }

  /** Waits until the next chunk is due; throws the signal's reason when aborted meanwhile. */
  async next(delayMs: number): Promise<void> {
    const now = performance.now();
    this.#due = Math.max(this.#due + delayMs, now - MAX_LAG_MS);
    const waitMs = this.#due - now;
    if (delayMs > 0 && waitMs >= 1) await this.#wait(waitMs);
    else if (++this.#unpaced % UNPACED_BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  /** A silence that is meant: the schedule goes on from its end. */
  async sleep(ms: number): Promise<void> {
    await this.#wait(ms);
    this.#due = performance.now();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#abort = reject;
      this.#timer = setTimeout(resolve, ms);
    });
  }
}
