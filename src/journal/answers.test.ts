/** What counts as an answer to each kind of request. */
import { describe, expect, it } from 'vitest';
import type { Answer, RequestKind } from '../runs/types.ts';
import { MAX_CONTENT_BYTES, MAX_OUTPUTS_BYTES, type Meaning, readAnswer } from './answers.ts';

const output = (call_id: string, text = '') => ({ call_id, output: text });

describe('an answer that is taken', () => {
  it.each<[string, RequestKind, Answer, Meaning]>([
    ['free text', 'question', { content: ' blue ' }, { kind: 'question', content: ' blue ' }],
    [
      'exactly 32 KB of text',
      'question',
      { content: 'x'.repeat(MAX_CONTENT_BYTES) },
      { kind: 'question', content: 'x'.repeat(MAX_CONTENT_BYTES) },
    ],
    ['stop', 'budget', { content: ' stop\n' }, { kind: 'budget', stop: true }],
    ['raise', 'budget', { content: 'raise' }, { kind: 'budget', stop: false, raise: null }],
    [
      'raise with a limit',
      'budget',
      { content: 'raise {"max_cost_usd": 5}' },
      { kind: 'budget', stop: false, raise: { max_cost_usd: 5 } },
    ],
    [
      'raise over several lines',
      'budget',
      { content: 'raise {\n"max_turns": 5,\n"timeout_s": 60\n}' },
      { kind: 'budget', stop: false, raise: { max_turns: 5, timeout_s: 60 } },
    ],
    [
      'all outputs in any order',
      'tool_outputs',
      { tool_outputs: [output('b', '2'), output('a', '1')] },
      { kind: 'tool_outputs', outputs: [output('b', '2'), output('a', '1')] },
    ],
    [
      'exactly 1 MiB of outputs',
      'tool_outputs',
      { tool_outputs: [output('a', 'x'.repeat(MAX_OUTPUTS_BYTES)), output('b')] },
      { kind: 'tool_outputs', outputs: [output('a', 'x'.repeat(MAX_OUTPUTS_BYTES)), output('b')] },
    ],
  ])('%s', (_what, kind, answer, meaning) => {
    expect(readAnswer(kind, answer, ['a', 'b'])).toEqual(meaning);
  });
});

describe('an answer that is refused with the field it is about', () => {
  it.each<[string, RequestKind, Answer, string]>([
    ['nothing', 'question', {}, 'content'],
    ['an empty text', 'question', { content: '' }, 'content'],
    ['spaces', 'question', { content: ' \n\t' }, 'content'],
    ['one byte too many', 'question', { content: 'x'.repeat(MAX_CONTENT_BYTES + 1) }, 'content'],
    ['too many bytes in few letters', 'question', { content: 'ä'.repeat(MAX_CONTENT_BYTES / 2 + 1) }, 'content'],
    ['outputs to a question', 'question', { content: 'x', tool_outputs: [output('a')] }, 'tool_outputs'],
    ['outputs to a budget', 'budget', { tool_outputs: [output('a')] }, 'tool_outputs'],
    ['text to a budget', 'budget', { content: 'more please' }, 'content'],
    ['raise glued to its limits', 'budget', { content: 'raise{"max_turns": 5}' }, 'content'],
    ['raise that is no JSON', 'budget', { content: 'raise {max_turns: 5}' }, 'content'],
    ['raise of nothing', 'budget', { content: 'raise {}' }, 'content'],
    ['raise of an unknown limit', 'budget', { content: 'raise {"max_luck": 5}' }, 'content'],
    ['raise by nothing', 'budget', { content: 'raise {"max_turns": 0}' }, 'content'],
    ['raise below zero', 'budget', { content: 'raise {"max_turns": -5}' }, 'content'],
    ['raise by a text', 'budget', { content: 'raise {"max_turns": "5"}' }, 'content'],
    ['raise without end', 'budget', { content: 'raise {"max_turns": 1e999}' }, 'content'],
    ['text for outputs', 'tool_outputs', { content: 'x' }, 'content'],
    ['no outputs', 'tool_outputs', {}, 'tool_outputs'],
    ['an output missing', 'tool_outputs', { tool_outputs: [output('a')] }, 'tool_outputs'],
    ['an output twice', 'tool_outputs', { tool_outputs: [output('a'), output('a')] }, 'tool_outputs'],
    [
      'an output of another call',
      'tool_outputs',
      { tool_outputs: [output('a'), output('b'), output('c')] },
      'tool_outputs',
    ],
    [
      'outputs of more than 1 MiB together',
      'tool_outputs',
      { tool_outputs: [output('a', 'x'.repeat(MAX_OUTPUTS_BYTES)), output('b', 'x')] },
      'tool_outputs',
    ],
  ])('%s', (_what, kind, answer, path) => {
    let refusal: unknown;
    try {
      readAnswer(kind, answer, ['a', 'b']);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: 'validation.failed', details: { issues: [{ path }] } });
  });
});
