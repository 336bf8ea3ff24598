/** Tables: events of a run in, frames of its stream out. */
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../runs/dialect-types.ts';
import type { RunFacts } from '../views/run.ts';
import type { Step } from '../views/step.ts';
import { RunStory } from './story.ts';

const FACTS: RunFacts = {
  id: 'run_1',
  thread_id: 'thread_1',
  assistant_id: 'asst_1',
  created_at: '2026-11-22T10:00:00.000Z',
  metadata: {},
  terms: {
    model: 'demo',
    instructions: '',
    additional_instructions: '',
    functions: [],
    settings: {},
    max_prompt_tokens: null,
    max_completion_tokens: null,
    last_messages: null,
    expires_at: null,
    own: [],
  },
};
const USAGE = { input_tokens: 10, cached_input_tokens: 0, output_tokens: 5, reasoning_tokens: 0 };

type Told = [type: string, data?: Record<string, unknown>];

const started: Told[] = [['run.started'], ['turn.started', { turn: 1 }]];
const says = (content: string, message_id = 'msg_1'): Told => ['message.delta', { message_id, content }];
const completed = (content: string, message_id = 'msg_1'): Told => [
  'message.completed',
  { message_id, content, usage: USAGE },
];
const call = (id: string, name = 'f'): Told => ['tool.call', { call_id: `call_${id}`, name, arguments: { n: id } }];
const result = (id: string, output = `out ${id}`): Told => ['tool.result', { call_id: `call_${id}`, output }];
const asks = (id: string, kind: string, calls: string[] = [], prompt = 'Do it.'): Told => [
  'run.waiting_for_input',
  {
    request_id: `input_${id}`,
    kind,
    prompt,
    ...(kind === 'question' || kind === 'budget'
      ? {}
      : { tool_calls: calls.map((it) => ({ call_id: `call_${it}`, name: 'f', arguments: { n: it } })) }),
  },
];
const received = (id: string): Told => ['run.input_received', { request_id: `input_${id}` }];
const ends = (as: 'completed' | 'cancelled'): Told => [`run.${as}`, { usage: USAGE }];
const fails = (code: string, message = 'why'): Told => ['run.failed', { error: { code, message }, usage: USAGE }];

type Shown = { event: string; data: object };

/** What a story shows of these events: each a second after the one before. */
function tell(
  events: Told[],
  earlier?: RunStory,
): { frames: Shown[]; names: string[]; story: RunStory; steps: Step[] } {
  const steps: Step[] = [];
  const story = earlier ?? new RunStory(FACTS, { onStep: (step) => steps.push(step) });
  const frames = events.flatMap(([type, data = {}], i) => {
    const event: RunEvent = { seq: i + 1, type, data, created_at: 1_000 * (i + 1) };
    return story.take(event) as Shown[];
  });
  return { frames, names: frames.map((frame) => frame.event.replace('thread.', '')), story, steps };
}

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

it('an answer that a limit of tokens cut is incomplete, and so is its run', () => {
  const cut: Told = [
    'message.completed',
    { message_id: 'msg_1', content: 'Hel', usage: USAGE, finish_reason: 'length' },
  ];
  const { frames, names } = tell([...started, says('Hel'), cut, ends('completed')]);
  expect(names.slice(-3)).toEqual(['message.incomplete', 'run.step.completed', 'run.incomplete']);
  expect(frames.at(-1)?.data).toMatchObject({
    incomplete_details: { reason: 'max_completion_tokens' },
    completed_at: null,
    last_error: null,
  });
});

describe('a run requires action', () => {
  const asked = (events: Told[]) => {
    const { frames } = tell([...started, completed(''), ...events]);
    const last = frames.at(-1)?.data as {
      status: string;
      required_action?: { submit_tool_outputs: { tool_calls: unknown[] } };
    };
    return { status: last.status, calls: last.required_action?.submit_tool_outputs.tool_calls };
  };
  const action = (id: string, name: string, args: object) => ({
    id: `call_${id}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(args) },
  });

  it('for the functions of its client, under their own names and call ids', () => {
    expect(asked([call('1'), call('2'), asks('9', 'tool_outputs', ['1', '2'])]).calls).toEqual([
      action('1', 'f', { n: '1' }),
      action('2', 'f', { n: '2' }),
    ]);
  });

  it('for a question, under the id of the call that asks it', () => {
    const question: Told = ['tool.call', { call_id: 'call_1', name: 'ask_user', arguments: { question: 'Why?' } }];
    expect(asked([question, asks('9', 'question', [], 'Why?')]).calls).toEqual([
      action('1', 'ask_user', { question: 'Why?' }),
    ]);
  });

  it('for an approval, an unknown outcome and a budget, each with what decides it', () => {
    const about = { tool: 'f', arguments: { n: '1' }, call_id: 'call_1', prompt: 'Do it.' };
    expect(asked([call('1'), asks('9', 'approval', ['1'])]).calls).toEqual([action('9', 'approve_tool', about)]);
    expect(asked([call('1'), asks('9', 'unknown_outcome', ['1'])]).calls).toEqual([
      action('9', 'resolve_unknown', about),
    ]);
    const prompt = "The run's budget is spent: max_tokens is 10, 12 used. Raise it, or stop the run?";
    expect(asked([asks('9', 'budget', [], prompt)]).calls).toEqual([
      action('9', 'raise_budget', { limit: 'max_tokens', prompt }),
    ]);
  });

  it('only once the server’s own calls of the turn are done, and for everything at once', () => {
    const calls = [call('1'), call('2'), call('3'), asks('1', 'tool_outputs', ['1']), asks('3', 'approval', ['3'])];
    expect(asked(calls).status).toBeUndefined();
    expect(asked([...calls, result('2')]).status).toBe('requires_action');
    expect(asked([...calls, result('2')]).calls?.length).toBe(2);
  });

  it('while a `wait` of the same turn sleeps: it ends with the answer', () => {
    expect(asked([call('1'), call('2', 'wait'), asks('1', 'tool_outputs', ['1'])]).status).toBe('requires_action');
  });

  it('and says nothing more of an attempt that was cut before its budget was asked about', () => {
    const { names } = tell([...started, says('Hel'), asks('1', 'budget')]);
    expect(names.slice(-3)).toEqual(['message.incomplete', 'run.step.failed', 'run.requires_action']);
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

describe('steps', () => {
  it('have ids made of the message’s and of the first call’s, whoever reads', () => {
    const { steps } = tell([...started, completed('Look.'), call('7'), call('8')]);
    expect(steps.map((step) => step.id)).toEqual(['step_1', 'step_7']);
  });

  it('share the usage of their turn: the message has it, else the calls', () => {
    const spoke = tell([...started, completed('Look.'), call('1'), result('1')]).steps;
    expect(spoke.map((step) => step.usage?.input_tokens)).toEqual([10, 0]);
    const silent = tell([...started, completed(''), call('1'), result('1')]).steps;
    expect(silent.map((step) => step.usage?.input_tokens)).toEqual([10]);
  });

  it('that a token limit cut have the tokens that no other step has', () => {
    const total = { ...USAGE, input_tokens: 25, output_tokens: 9 };
    const cut: Told = ['run.failed', { error: { code: 'run.max_completion_tokens', message: '' }, usage: total }];
    const events = [
      ...started,
      completed(''),
      call('1'),
      result('1'),
      ['turn.started'] as Told,
      says('Hel', 'msg_2'),
      cut,
    ];
    expect(tell(events).steps.map((step) => step.usage?.input_tokens)).toEqual([10, 15]);
  });

  it('of a step delta the delta has no id, and every call its index', () => {
    const { frames } = tell([...started, completed(''), call('1'), call('2')]);
    const deltas = frames.filter((frame) => frame.event === 'thread.run.step.delta').map((frame) => frame.data);
    expect(deltas).toMatchObject([
      { id: 'step_1', delta: { step_details: { type: 'tool_calls', tool_calls: [{ index: 0, id: 'call_1' }] } } },
      { id: 'step_1', delta: { step_details: { type: 'tool_calls', tool_calls: [{ index: 1, id: 'call_2' }] } } },
    ]);
    for (const it of deltas) expect((it as { delta: object }).delta).not.toHaveProperty('id');
  });
});

describe('the end of a run', () => {
  const last = (end: Told) => tell([...started, end]).frames.at(-1)?.data;
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

  it.each<[string, Told, object]>([
    ['completed', ends('completed'), { status: 'completed', completed_at: 3, expires_at: null }],
    ['cancelled', ends('cancelled'), { status: 'cancelled', cancelled_at: 3, last_error: null }],
    ['an expired request', fails('input.expired'), { status: 'expired', failed_at: null, last_error: null }],
    ['its own expiry', fails('run.expired'), { status: 'expired', failed_at: null }],
    [
      'completion tokens',
      fails('run.max_completion_tokens'),
      { incomplete_details: { reason: 'max_completion_tokens' } },
    ],
    ['prompt tokens', fails('run.max_prompt_tokens'), { incomplete_details: { reason: 'max_prompt_tokens' } }],
    [
      'a budget of tokens',
      fails('budget.exceeded', "The run's budget is spent: max_tokens is 10, 12 used."),
      { status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' } },
    ],
    [
      'another budget',
      fails('budget.exceeded', "The run's budget is spent: max_turns is 1, 1 used."),
      { status: 'failed', last_error: { code: 'server_error' } },
    ],
    ['a rate limit', fails('provider.rate_limited'), { last_error: { code: 'rate_limit_exceeded', message: 'why' } }],
    [
      'a bad request',
      fails('provider.bad_request'),
      { last_error: { code: 'invalid_prompt', message: 'why' }, failed_at: 3 },
    ],
  ])('by %s', (_, end, shown) => {
    expect(last(end)).toMatchObject({ ...shown, usage });
  });
});
