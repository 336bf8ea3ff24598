/** What the frames of a run's stream hold: the run, what it requires, its steps and its end. */
import { describe, expect, it } from 'vitest';
import { asks, call, completed, ends, fails, result, says, started, type Told, tell, USAGE } from './test-story.ts';

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
