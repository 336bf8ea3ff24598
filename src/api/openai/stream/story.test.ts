/** Tables: events of a run in, frames of its stream out, and when the stream is over. */
import { describe, expect, it } from 'vitest';
import { RunStory } from './story.ts';
import {
  asks,
  call,
  completed,
  ends,
  FACTS,
  fails,
  received,
  result,
  says,
  started,
  type Told,
  tell,
} from './test-story.ts';

const OPENED = ['run.step.created', 'run.step.in_progress', 'message.created', 'message.in_progress'];
const CALLS_OPENED = ['run.step.created', 'run.step.in_progress'];

it('a run that was accepted is created and queued', () => {
  expect(new RunStory(FACTS).opening().map(({ event, data }) => [event, data])).toMatchObject([
    ['thread.run.created', { status: 'queued', usage: null }],
    ['thread.run.queued', { status: 'queued', usage: null }],
  ]);
});

describe('these events become these frames', () => {
  it.each<[string, Told[], string[]]>([
    [
      'an answer',
      [...started, says('Hel'), says('lo'), completed('Hello'), ends('completed')],
      [
        'run.in_progress',
        ...OPENED,
        'message.delta',
        'message.delta',
        'message.completed',
        'run.step.completed',
        'run.completed',
      ],
    ],
    [
      'an answer that no delta brought',
      [...started, completed('Hello'), ends('completed')],
      ['run.in_progress', ...OPENED, 'message.completed', 'run.step.completed', 'run.completed'],
    ],
    [
      'an empty answer',
      [...started, completed(''), ends('completed')],
      ['run.in_progress', ...OPENED, 'message.completed', 'run.step.completed', 'run.completed'],
    ],
    [
      'an empty answer, and another turn since its user wrote meanwhile',
      [...started, completed(''), ['message.received'], ['turn.started'], completed('Yes', 'msg_2'), ends('completed')],
      [
        'run.in_progress',
        ...OPENED,
        'message.completed',
        'run.step.completed',
        ...OPENED,
        'message.completed',
        'run.step.completed',
        'run.completed',
      ],
    ],
    [
      'reasoning, progress and what else there is: nothing',
      [...started, ['reasoning.delta', {}], ['tool.progress'], ['prompt.truncated']],
      ['run.in_progress'],
    ],
    [
      'a turn that calls the client',
      [...started, completed(''), call('1'), call('2'), asks('1', 'tool_outputs', ['1', '2'])],
      ['run.in_progress', ...CALLS_OPENED, 'run.step.delta', 'run.step.delta', 'run.requires_action'],
    ],
    [
      'a turn that speaks, then calls the server alone',
      [
        ...started,
        says('I look.'),
        completed('I look.'),
        call('1'),
        result('1'),
        ['turn.started'],
        completed('Done', 'msg_2'),
        ends('completed'),
      ],
      [
        'run.in_progress',
        ...OPENED,
        'message.delta',
        'message.completed',
        'run.step.completed',
        ...CALLS_OPENED,
        'run.step.delta',
        'run.step.completed',
        ...OPENED,
        'message.completed',
        'run.step.completed',
        'run.completed',
      ],
    ],
    [
      'a turn that is tried again: its message is void',
      [
        ...started,
        says('Hal'),
        ['message.reset', { message_id: 'msg_1', reason: 'provider_error' }],
        ['turn.started'],
        says('Hello', 'msg_2'),
        completed('Hello', 'msg_2'),
        ends('completed'),
      ],
      [
        'run.in_progress',
        ...OPENED,
        'message.delta',
        'message.incomplete',
        'run.step.failed',
        ...OPENED,
        'message.delta',
        'message.completed',
        'run.step.completed',
        'run.completed',
      ],
    ],
    [
      'a turn that is tried again before it spoke: nothing of it',
      [
        ...started,
        ['message.reset', { message_id: 'msg_1' }],
        ['turn.started'],
        completed('Hi', 'msg_2'),
        ends('completed'),
      ],
      ['run.in_progress', ...OPENED, 'message.completed', 'run.step.completed', 'run.completed'],
    ],
    [
      'a cancel in mid-sentence',
      [...started, says('Hel'), ['run.cancel_requested'], ends('cancelled')],
      [
        'run.in_progress',
        ...OPENED,
        'message.delta',
        'run.cancelling',
        'message.incomplete',
        'run.step.cancelled',
        'run.cancelled',
      ],
    ],
    ['a cancel before it began', [['run.cancel_requested'], ends('cancelled')], ['run.cancelling', 'run.cancelled']],
    [
      'a failure in mid-sentence',
      [...started, says('Hel'), fails('provider.unavailable')],
      ['run.in_progress', ...OPENED, 'message.delta', 'message.incomplete', 'run.step.failed', 'run.failed'],
    ],
    [
      'a token limit in mid-sentence',
      [...started, says('Hel'), fails('run.max_completion_tokens')],
      ['run.in_progress', ...OPENED, 'message.delta', 'message.incomplete', 'run.step.completed', 'run.incomplete'],
    ],
    [
      'the end of its time while it waits',
      [...started, completed(''), call('1'), asks('1', 'tool_outputs', ['1']), fails('run.expired')],
      ['run.in_progress', ...CALLS_OPENED, 'run.step.delta', 'run.requires_action', 'run.step.expired', 'run.expired'],
    ],
  ])('%s', (_, events, names) => {
    expect(tell(events).names).toEqual(names);
  });
});

describe('after an answer', () => {
  const waiting: Told[] = [...started, completed(''), call('1'), asks('1', 'tool_outputs', ['1'])];
  /** What a stream shows that begins after the first `seen` events. */
  const after = (events: Told[]) => {
    const { story } = tell(waiting);
    expect(story.over).toBe(true);
    return tell(events, story);
  };

  it('the step is completed, then the run queued, then in progress', () => {
    const { names, frames } = after([
      received('1'),
      result('1'),
      ['turn.started'],
      completed('Hi', 'msg_2'),
      ends('completed'),
    ]);
    expect(names.slice(0, 3)).toEqual(['run.step.completed', 'run.queued', 'run.in_progress']);
    expect(frames[0]?.data).toMatchObject({
      step_details: { tool_calls: [{ id: 'call_1', function: { output: 'out 1' } }] },
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    });
  });

  it('that lets a call be made, the step is completed when that call is', () => {
    const { story } = tell([...started, completed(''), call('1'), asks('1', 'approval', ['1'])]);
    expect(tell([received('1'), ['tool.progress'], result('1')], story).names).toEqual([
      'run.queued',
      'run.in_progress',
      'run.step.completed',
    ]);
  });

  it('to several requests at once, the stream goes on until the last is taken, and then on', () => {
    const { story } = tell([
      ...started,
      completed(''),
      call('1'),
      call('2', 'ask_user'),
      asks('1', 'tool_outputs', ['1']),
      asks('2', 'question'),
    ]);
    expect(story.over).toBe(true);
    for (const answer of [received('1'), received('2'), result('1'), result('2')]) {
      tell([answer], story);
      expect(story.over).toBe(false);
    }
    expect(tell([['turn.started'], completed('Hi', 'msg_2'), ends('completed')], story).names.at(-1)).toBe(
      'run.completed',
    );
    expect(story.over).toBe(true);
  });

  it('to one of two requests, the run still requires action', () => {
    const two: Told[] = [
      ...started,
      completed(''),
      call('1'),
      call('2'),
      asks('1', 'tool_outputs', ['1']),
      asks('2', 'approval', ['2']),
    ];
    const { story } = tell(two);
    expect(tell([received('1'), result('1')], story).frames.at(-1)?.data).toMatchObject({
      status: 'requires_action',
      required_action: { submit_tool_outputs: { tool_calls: [{ id: 'call_2' }] } },
    });
  });
});
