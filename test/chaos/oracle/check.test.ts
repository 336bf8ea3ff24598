/** The oracle itself: it is content with what is right, and each broken promise is seen by the check that is for it. */
import { describe, expect, it } from 'vitest';
import type { SeenEvent } from '../../support/events.ts';
import { check } from './check.ts';
import type { Facts, StoredRun } from './facts.ts';
import { percentile, recoveries } from './recovery.ts';

const T0 = Date.parse('2026-01-01T00:00:00.000Z');
const PLAN = {
  plan: 'c0-0',
  turns: [{ say: 2, calls: [{ name: 'effects_note', arguments: {} }] }, { echo: true as const }],
};
const CANCELLED = { plan: 'c1-0', turns: [{ say: 9 }] };

function events(...told: [type: string, data: Record<string, unknown>, atMs?: number][]): SeenEvent[] {
  return told.map(([type, data, atMs], i) => ({
    seq: i + 1,
    type,
    data,
    created_at: new Date(T0 + (atMs ?? i * 100)).toISOString(),
  }));
}

function stored(run_id: string, status: string, story: SeenEvent[], more: Partial<StoredRun> = {}): StoredRun {
  return {
    ...{
      run_id,
      thread_id: `thread_of_${run_id}`,
      status,
      last_seq: story.length,
      parent_run_id: null,
      pending_inputs: [],
    },
    ...{ metadata: { case: 'c0' }, text: `text of ${run_id}`, events: story },
    ...more,
  };
}

/** A run that called a tool and asked what became of it, and one that was cancelled in its stream. */
function facts(): Facts {
  const done = stored(
    'run_a',
    'completed',
    events(
      ['run.started', {}],
      ['message.delta', { message_id: 'm0', content: 'void' }],
      ['message.reset', { message_id: 'm0' }],
      ['message.delta', { message_id: 'm1', content: 'c0-0.0.0 ' }],
      ['message.delta', { message_id: 'm1', content: 'c0-0.0.1 ' }],
      ['message.completed', { message_id: 'm1', content: 'c0-0.0.0 c0-0.0.1 ' }],
      ['tool.call', { call_id: 'call_1', name: 'effects/note' }],
      [
        'run.waiting_for_input',
        { request_id: 'input_1', kind: 'unknown_outcome', tool_calls: [{ call_id: 'call_1' }] },
      ],
      ['run.input_received', { request_id: 'input_1' }],
      ['tool.result', { call_id: 'call_1', status: 'ok', output: 'noted' }],
      ['message.delta', { message_id: 'm2', content: '["noted"]' }],
      ['message.completed', { message_id: 'm2', content: '["noted"]' }],
      ['run.completed', {}],
    ),
  );
  const cancelled = stored(
    'run_b',
    'cancelled',
    events(
      ['run.started', {}],
      ['tool.call', { call_id: 'call_2', name: 'effects/slow' }],
      ['run.cancelled', { unfinished: [] }],
    ),
    { metadata: { case: 'c1' } },
  );
  const begun = (call_id: string, tool: string, at: number) => ({
    call_id,
    tool,
    state: 'begun' as const,
    at: T0 + at,
  });
  return {
    cases: [
      {
        ...{
          id: 'c0',
          scenario: 'tools',
          cancelled: [],
          answered: [{ request_id: 'input_1', kind: 'unknown_outcome', content: 'retry' }],
        },
        runs: [{ run_id: 'run_a', thread_id: done.thread_id, plan: PLAN, ends: 'completed' }],
        shown: [{ run_id: 'run_a', text: done.text, events: done.events }],
      },
      {
        ...{ id: 'c1', scenario: 'cancel', answered: [], shown: [], cancelled: [{ run_id: 'run_b', at: T0 + 150 }] },
        runs: [{ run_id: 'run_b', thread_id: cancelled.thread_id, plan: CANCELLED, ends: 'cancelled or completed' }],
      },
    ],
    runs: new Map([done, cancelled].map((run) => [run.run_id, run])),
    threads: new Map([done, cancelled].map((run) => [run.thread_id, null])),
    openInputs: [],
    provider: [{ at: T0, pid: 1, n: 0, plan: 'c1-0', turn: 0, state: 'begun' }],
    executions: [begun('call_1', 'note', 700), begun('call_1', 'note', 900), begun('call_2', 'slow', 100)],
    struck: [],
    hasSpare: true,
    ended: [],
  };
}

const run = (all: Facts, id: string) => all.runs.get(id) as StoredRun;
const dropEvent = (story: SeenEvent[], at: number) => void story.splice(at, 1);
/** Numbered again, so that only the missing event shows. */
function without(story: SeenEvent[], at: number): void {
  dropEvent(story, at);
  for (const [i, event] of story.entries()) event.seq = i + 1;
}

const LATE = T0 + 60_000;

const broken: [what: string, by: string, change: (all: Facts) => void][] = [
  ['a process that ended by itself', 'crashes', (all) => Object.assign(all, { ended: ['worker-1'] })],
  ['an accepted run that is not there', 'lost', (all) => void all.runs.delete('run_a')],
  [
    'a create that made two runs',
    'lost',
    (all) => void all.runs.set('run_c', { ...run(all, 'run_a'), run_id: 'run_c' }),
  ],
  ['a client that came to no end', 'lost', (all) => Object.assign(all.cases[0] as object, { failure: 'stands still' })],
  ['a run that failed', 'not done', (all) => Object.assign(run(all, 'run_a'), { status: 'failed' })],
  [
    'a cancel that was accepted and had no effect',
    'not done',
    (all) => Object.assign(run(all, 'run_b'), { status: 'completed' }),
  ],
  ['a thread that is held', 'not done', (all) => void all.threads.set('thread_of_run_a', 'run_a')],
  ['a request that is open', 'not done', (all) => void all.openInputs.push({})],
  ['an event that is missing', 'gaps', (all) => dropEvent(run(all, 'run_a').events, 4)],
  ['two terminal events', 'gaps', (all) => void run(all, 'run_a').events.push(...events(['run.failed', {}]))],
  ['a last_seq that is behind', 'gaps', (all) => Object.assign(run(all, 'run_a'), { last_seq: 3 })],
  [
    'a frame that was shown otherwise',
    'changed after it was shown',
    (all) => Object.assign(run(all, 'run_a'), { text: '' }),
  ],
  ['a delta that is lost', 'texts that do not add up', (all) => without(run(all, 'run_a').events, 4)],
  [
    'a result that the model was told wrongly',
    'texts that do not add up',
    (all) => Object.assign(run(all, 'run_a').events[9]?.data as object, { output: 'other' }),
  ],
  [
    'a third execution',
    'duplicated',
    (all) => void all.executions.push({ ...all.executions[0] } as Facts['executions'][0]),
  ],
  [
    'an execution that nobody called',
    'duplicated',
    (all) => Object.assign(all.executions[2] as object, { call_id: 'call_9' }),
  ],
  ['a result without execution', 'duplicated', (all) => void all.executions.splice(0, 2)],
  ['an answer without trace', 'answers lost or applied twice', (all) => without(run(all, 'run_a').events, 8)],
  [
    'an answer that was taken twice',
    'answers lost or applied twice',
    (all) => void all.cases[0]?.answered.push({ request_id: 'input_1', kind: 'unknown_outcome', content: 'skip' }),
  ],
  [
    'a run that began before the last of its thread had ended',
    'two runs of a thread at once',
    (all) => Object.assign(run(all, 'run_b'), { thread_id: 'thread_of_run_a' }),
  ],
  [
    'a model that was asked after the cancel',
    'work after its cancel',
    (all) => Object.assign(all.provider[0] as object, { at: LATE }),
  ],
  [
    'a tool that began after the cancel',
    'work after its cancel',
    (all) => Object.assign(all.executions[2] as object, { at: LATE }),
  ],
];

describe('the oracle', () => {
  it('finds nothing where every promise was kept', () => {
    expect(Object.values(check(facts())).flat()).toEqual([]);
  });

  it.each(broken)('sees %s: %s', (_what, by, change) => {
    const all = facts();
    change(all);
    expect(Object.entries(check(all)).flatMap(([name, found]) => (found.length > 0 ? [name] : []))).toContain(by);
  });

  it('lets a provider read late what was sent to it while it was frozen', () => {
    const all = facts();
    Object.assign(all.provider[0] as object, { at: LATE });
    const frozen = { kind: 'freeze' as const, target: 'provider', atMs: 0, forMs: 0 };
    all.struck.push({ ...frozen, began: T0 - 1_000, ended: LATE - 1 });
    expect(check(all)['work after its cancel']).toEqual([]);
  });

  it('lets a tool go on that the cancelled run names as unfinished', () => {
    const all = facts();
    Object.assign(all.executions[2] as object, { at: LATE });
    Object.assign(run(all, 'run_b').events.at(-1)?.data as object, { unfinished: [{ call_id: 'call_2' }] });
    expect(check(all)['work after its cancel']).toEqual([]);
  });
});

describe('recovery', () => {
  const killedAt = (...began: number[]): Facts['struck'] =>
    began.map((at) => ({
      atMs: 0,
      kind: 'kill',
      target: 'worker-1',
      forMs: 100,
      began: T0 + at,
      ended: T0 + at + 100,
    }));
  const streaming = (resetAt: number) =>
    stored(
      'run_s',
      'completed',
      events(['message.delta', {}, 0], ['message.delta', {}, 500], ['message.reset', {}, resetAt]),
    );

  it('is the time from a kill of a worker to the reset of a run that streamed there', () => {
    const all = { ...facts(), runs: new Map([['run_s', streaming(4_600)]]), struck: killedAt(600) };
    expect(recoveries(all)).toEqual([4_000]);
  });

  it('that takes more than 8 s is seen where another worker is alive', () => {
    const all = { ...facts(), runs: new Map([['run_s', streaming(9_000)]]), struck: killedAt(600) };
    expect(check(all)['slow to recover']).toHaveLength(1);
    expect(check({ ...all, hasSpare: false })['slow to recover']).toEqual([]);
  });

  it('is not measured beside another fault', () => {
    const all = { ...facts(), runs: new Map([['run_s', streaming(4_600)]]), struck: killedAt(600, 2_000) };
    expect(recoveries(all)).toEqual([]);
  });

  it('has its percentiles', () => {
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
    expect(percentile([1, 2, 3, 4], 0.99)).toBe(4);
    expect(percentile([], 0.5)).toBeUndefined();
  });
});
