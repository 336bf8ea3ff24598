import { describe, expect, it } from 'vitest';
import { collect, say } from '../../../test/wire/collect.ts';
import { openModels } from '../open-models.ts';
import type { ModelRequest, PromptMessage, Route } from '../types.ts';

const models = openModels([{ id: 'demo', provider: 'demo' }]);

/** Of which the fastest counts: a busy machine slows some down, and makes none faster. */
const ROUNDS = 5;
/** Far less than the silence that is broken off. */
const ABORTED_WITHIN_MS = 5_000;
/** Half of what 2,000 chunks take at the default pace, or 20,000 with a timer each. */
const UNPACED_WITHIN_MS = 10_000;

const ask = async (request: ModelRequest | string, signal = new AbortController().signal) => {
  const opened = await models;
  const whole = typeof request === 'string' ? say(request) : request;
  return collect(opened.stream(opened.route('demo') as Route, whole, signal));
};

/** The request of the turn after `calls` were made and answered. */
function answered(script: string, rounds: { name: string; output: string; is_error?: boolean }[][]): ModelRequest {
  const request = say(script);
  let n = 0;
  for (const round of rounds) {
    const calls = round.map((it) => ({ ...it, call_id: `call_${n++}` }));
    request.messages.push(
      { role: 'assistant', content: '', tool_calls: calls.map((it) => ({ ...it, arguments: {} })) },
      { role: 'tool', results: calls.map((it) => ({ is_error: false, ...it })) },
    );
  }
  return request;
}

describe('without a script', () => {
  it('answers the last user message word by word', async () => {
    const request = say('first');
    request.messages.push({ role: 'assistant', content: 'x', tool_calls: [] }, ...say('Hello  dear world').messages);
    const { parts, text, finish } = await ask(request);
    expect(text).toBe('You said: Hello  dear world');
    expect(parts).toHaveLength(6);
    expect(finish?.finish_reason).toBe('stop');
  });

  it('is given instructions alone and says so', async () => {
    expect((await ask({ system: 'Greet.', messages: [], tools: [] })).text).toBe('There is no message to answer.');
  });

  it('sends about 100 chunks a second', async () => {
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const begun = performance.now();
      await ask(Array.from({ length: 28 }, () => 'word').join(' '));
      rates.push((30 / (performance.now() - begun)) * 1_000);
    }
    const fastest = Math.max(...rates);
    expect(fastest).toBeGreaterThan(50);
    expect(fastest).toBeLessThan(120);
  });
});

describe('a script', () => {
  it('says, streams and ends; the same request gives the same parts', async () => {
    const script = '/say Hello there\n/stream chunks=3 delay_ms=0';
    const { parts, text, finish } = await ask(script);
    expect(text).toBe('Hello there\nword1 word2 word3');
    expect(finish).toEqual({
      type: 'finish',
      finish_reason: 'stop',
      usage: { input_tokens: 6, cached_input_tokens: 0, output_tokens: 5, reasoning_tokens: 0 },
    });
    expect((await ask(script)).parts).toEqual(parts);
  });

  it('goes on after each answered call and sums up at the end', async () => {
    const script = '/say Hi\n/ask Which colour?\n/tool get_weather {"city":"Oslo"}\n/say Bye';
    const first = await ask(script);
    expect(first.text).toBe('Hi');
    expect(first.calls).toEqual([
      { type: 'tool_call', provider_call_id: 'demo_1', name: 'ask_user', arguments: { question: 'Which colour?' } },
    ]);
    expect(first.finish?.finish_reason).toBe('tool_calls');

    const second = await ask(answered(script, [[{ name: 'ask_user', output: 'blue' }]]));
    expect(second.text).toBe('');
    expect(second.calls).toMatchObject([{ name: 'get_weather', arguments: { city: 'Oslo' } }]);

    const third = await ask(
      answered(script, [[{ name: 'ask_user', output: 'blue' }], [{ name: 'get_weather', output: '{"c":3}' }]]),
    );
    expect(third.text).toBe('Bye\nDone. ask_user said "blue"; get_weather returned {"c":3}');
    expect(third.calls).toEqual([]);
    expect(third.finish?.finish_reason).toBe('stop');
  });

  it('tells of a failed tool, and says Done. where it would say nothing', async () => {
    expect((await ask(answered('/tool x', [[{ name: 'x', output: 'boom', is_error: true }]]))).text).toBe(
      'Done. x failed: boom',
    );
    expect((await ask('/usage input=3')).text).toBe('Done.');
  });

  it('makes the calls under /parallel together, or one a turn where parallel calls are not allowed', async () => {
    const script = '/parallel\n/tool a\n/tool b\n\n/tool c';
    const names = (it: Awaited<ReturnType<typeof ask>>) => it.calls.map((call) => call.name);
    expect(names(await ask(script))).toEqual(['a', 'b']);
    expect(
      names(
        await ask(
          answered(script, [
            [
              { name: 'a', output: '' },
              { name: 'b', output: '' },
            ],
          ]),
        ),
      ),
    ).toEqual(['c']);
    const serial = { parallel_tool_calls: false };
    expect(names(await ask({ ...say(script), ...serial }))).toEqual(['a']);
    expect(names(await ask({ ...answered(script, [[{ name: 'a', output: '' }]]), ...serial }))).toEqual(['b']);
  });

  it('counts only calls made since the last user message, which decides alone', async () => {
    const request = answered('/tool old\n/tool never', [[{ name: 'old', output: 'x' }]]);
    request.messages.push(...say('/tool fresh\n/say end').messages);
    expect((await ask(request)).calls).toMatchObject([{ name: 'fresh' }]);
    const steered: PromptMessage[] = [...request.messages, ...say('stop it').messages];
    expect((await ask({ ...request, messages: steered })).text).toBe('You said: stop it');
  });

  it('answers a line it does not understand by naming it, and runs nothing', async () => {
    const { text, calls, finish } = await ask('/tool x\n/dance');
    expect(text).toMatch(/^Line 2, "\/dance": the demo model has no such directive/);
    expect(calls).toEqual([]);
    expect(finish?.finish_reason).toBe('stop');
  });
});

describe('/fail', () => {
  it('fails as many attempts as it was told, then goes on', async () => {
    const script = '/say a\n/fail status=429 retry_after=1.5 times=2\n/fail status=503\n/say b';
    const attempt = async (n: number) => ask({ ...say(script), attempt: n });
    for (const n of [1, 2]) {
      const { error, text } = await attempt(n);
      expect(error).toMatchObject({ code: 'provider.rate_limited', retryable: true, status: 429, retryAfterMs: 1_500 });
      expect(text).toBe('a');
    }
    expect((await attempt(3)).error).toMatchObject({ code: 'provider.unavailable', status: 503 });
    expect(await attempt(4)).toMatchObject({ text: 'a\nb', error: undefined });
  });

  it('raises what the real wire would', async () => {
    expect((await ask('/fail status=401')).error).toMatchObject({ code: 'provider.unauthorized', retryable: false });
    expect((await ask('/fail status=400')).error).toMatchObject({ code: 'provider.bad_request', retryable: false });
  });
});

describe('tokens', () => {
  it('a word of the prompt is one input token, a chunk one output token, a call one more', async () => {
    const request = answered('/tool a\n/say one two', [[{ name: 'a', output: 'four words are here' }]]);
    request.system = 'Be very brief.';
    const { finish } = await ask(request);
    // 3 of the system, 5 of the script, 1 of the arguments `{}`, 4 of the output.
    expect(finish?.usage.input_tokens).toBe(13);
    // `one two`, and `Done. a returned four words are here`
    expect(finish?.usage.output_tokens).toBe(9);
    expect((await ask('/say x\n/tool a')).finish?.usage.output_tokens).toBe(2);
  });

  it('/usage says otherwise', async () => {
    expect((await ask('/usage input=1000 cached=400 output=50\n/say hi')).finish?.usage).toEqual({
      input_tokens: 1_000,
      cached_input_tokens: 400,
      output_tokens: 50,
      reasoning_tokens: 0,
    });
  });

  it('a token limit ends it with `length`, before any call', async () => {
    const cut = await ask({ ...say('/stream chunks=9 delay_ms=0\n/tool x'), max_output_tokens: 4 });
    expect(cut.text).toBe('word1 word2 word3 word4 ');
    expect(cut.calls).toEqual([]);
    expect(cut.finish).toMatchObject({ finish_reason: 'length', usage: { output_tokens: 4 } });
    const exact = await ask({ ...say('/stream chunks=4 delay_ms=0'), max_output_tokens: 4 });
    expect(exact.finish).toMatchObject({ finish_reason: 'stop', usage: { output_tokens: 4 } });
    const declared = await ask({ ...say('/usage output=500\n/say hi'), max_output_tokens: 100 });
    expect(declared.finish).toMatchObject({ finish_reason: 'length', usage: { output_tokens: 100 } });
  });
});

describe('time', () => {
  it('/think is silent, and ends at once when aborted', async () => {
    const abort = new AbortController();
    const thinking = ask('/think ms=30000\n/say late', abort.signal);
    setTimeout(() => abort.abort('cancelled'), 20);
    const begun = performance.now();
    expect(await thinking).toMatchObject({ error: 'cancelled', parts: [] });
    expect(performance.now() - begun).toBeLessThan(ABORTED_WITHIN_MS);
    expect((await ask('/think ms=30\n/say late')).text).toBe('late');
  });

  it('the idle timeout holds for the demo model too', async () => {
    const strict = await openModels([{ id: 'demo', provider: 'demo', idle_timeout_s: 0.05 }]);
    const stream = strict.stream(strict.route('demo') as Route, say('/think ms=30000'), new AbortController().signal);
    expect((await collect(stream)).error).toMatchObject({ code: 'provider.timeout', retryable: true });
  });

  it('without a delay it is fast and lets others run', async () => {
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const begun = performance.now();
    const { parts } = await ask('/stream chunks=20000 delay_ms=0');
    clearInterval(counting);
    expect(parts).toHaveLength(20_001);
    expect(performance.now() - begun).toBeLessThan(UNPACED_WITHIN_MS);
    expect(turns).toBeGreaterThan(2);
  });

  it('the pace of a stream holds for what its turn says after it', async () => {
    // A summary shows 400 characters of each output, so there are ten of 200 words.
    const output = Array.from({ length: 200 }, () => 'w').join(' ');
    const results = Array.from({ length: 10 }, () => ({ name: 'x', output }));
    const script = `/parallel\n${'/tool x\n'.repeat(results.length)}\n/stream chunks=1 delay_ms=0`;
    const begun = performance.now();
    const { parts, text } = await ask(answered(script, [results]));
    expect(text).toContain('word1\nDone. x returned w w');
    expect(parts.length).toBeGreaterThan(2_000);
    expect(performance.now() - begun).toBeLessThan(UNPACED_WITHIN_MS);
  });
});
