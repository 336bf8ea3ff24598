import { describe, expect, it } from 'vitest';
import { readScript } from './script.ts';

it('every directive is read, in order', () => {
  const script = [
    '/say Hello there',
    '/stream chunks=3 delay_ms=5',
    '/think ms=30000',
    '/ask Which colour?',
    '/tool get_weather {"city": "Oslo"}',
    '/tool now',
    '/fail status=429 retry_after=1 times=2',
    '/usage input=1000 cached=400 output=50',
    'a plain line',
  ].join('\n');
  expect(readScript(script)).toEqual([
    { kind: 'say', text: 'Hello there' },
    { kind: 'stream', chunks: 3, delayMs: 5 },
    { kind: 'think', ms: 30_000 },
    { kind: 'call', name: 'ask_user', arguments: { question: 'Which colour?' }, parallel: false },
    { kind: 'call', name: 'get_weather', arguments: { city: 'Oslo' }, parallel: false },
    { kind: 'call', name: 'now', arguments: {}, parallel: false },
    { kind: 'fail', status: 429, retryAfterS: 1, times: 2 },
    { kind: 'usage', input: 1_000, cached: 400, output: 50 },
    { kind: 'say', text: 'a plain line' },
  ]);
});

it('/parallel groups the tool lines up to a blank line or another directive', () => {
  const groups = (script: string) => {
    const directives = readScript(script);
    return 'problem' in directives ? directives : directives.map((it) => it.kind === 'call' && it.parallel);
  };
  expect(groups('/parallel\n/tool a\n/tool b\n/ask c?\n\n/tool d')).toEqual([false, true, true, false]);
  expect(groups('/parallel\n/tool a\n/say x\n/tool b')).toEqual([false, false, false]);
});

describe('a bad line is named', () => {
  it.each([
    ['/say ok\n/dance', /^Line 2, "\/dance": .*\/say, \/stream/],
    ['/ask', /^Line 1, "\/ask": a question is missing/],
    ['/tool', /a tool is missing/],
    ['/tool x {"a":', /the arguments are not JSON/],
    ['/stream chunks=many', /"chunks=many" is not understood; expected chunks=number delay_ms=number/],
    ['/think seconds=3', /"seconds=3" is not understood/],
    ['/fail status=200', /status must be an HTTP error/],
  ])('%j', (script, problem) => {
    expect(readScript(script)).toEqual({ problem: expect.stringMatching(problem) });
  });
});
