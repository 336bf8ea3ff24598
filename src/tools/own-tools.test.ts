/** Arguments of the tools that no program answers: what fits, and what the model is told of what does not. */
import { describe, expect, it } from 'vitest';
import { readQuestion } from './ask-user.ts';
import { checkTask } from './run-agent.ts';
import { readWait } from './wait.ts';

const NOW = Date.UTC(2026, 10, 22, 10);

describe('ask_user', () => {
  it.each([[{ question: 'Which?' }], [{ question: 'Which?', options: ['red', 'blue'] }]])('takes %j', (args) => {
    expect(readQuestion(args)).toBeUndefined();
  });

  it.each([
    [null],
    [{}],
    [{ question: ' ' }],
    [{ question: 5 }],
    [{ question: 'Which?', options: [] }],
    [{ question: 'Which?', options: 'red' }],
    [{ question: 'Which?', options: [1] }],
    [{ question: 'Which?', colour: 'red' }],
  ])('refuses %j', (args) => {
    expect(readQuestion(args)).toEqual({ error: expect.stringContaining('ask_user') });
  });
});

describe('run_agent', () => {
  it('takes a persona and an input, and nothing else', () => {
    expect(checkTask({ persona: 'helper', input: 'Do it.' })).toBeUndefined();
    for (const args of [null, {}, { persona: 'helper' }, { input: 'x' }, { persona: '', input: 'x' }]) {
      expect(checkTask(args)).toEqual({ error: expect.stringContaining('run_agent') });
    }
    expect(checkTask({ persona: 'helper', input: 'x', budget: {} })).toEqual({ error: expect.any(String) });
  });
});

describe('wait', () => {
  it.each([
    [{ seconds: 0 }, { ms: 0 }],
    [{ seconds: 1.5 }, { ms: 1_500 }],
    [{ seconds: 0.0001 }, { ms: 1 }],
    [{ until: '2026-11-22T10:00:01Z' }, { until: NOW + 1_000 }],
    [{ until: '2026-11-22T12:00+02:00' }, { until: NOW }],
    [{ until: '2024-02-29T00:00:00.5Z' }, { until: Date.UTC(2024, 1, 29, 0, 0, 0, 500) }],
  ])('takes %j', (args, wait) => {
    expect(readWait(args, NOW)).toEqual({ wait });
  });

  it.each([
    [{ until: '2027-02-30T00:00:00Z' }],
    [{ until: '2027-13-01T00:00:00Z' }],
    [{ until: '2026-11-22T25:00:00Z' }],
    [{ until: '2026-11-22' }],
    [{ until: '2026-11-22T10:00:00' }],
    [{ until: 1795341600000 }],
    [{ until: '2028-01-01T00:00:00Z' }],
    [{ seconds: Number.NaN }],
    [{ seconds: 31_536_001 }],
  ])('refuses %j', (args) => {
    expect(readWait(args, NOW)).toEqual({ error: expect.any(String) });
  });
});
