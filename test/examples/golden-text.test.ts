/** What the golden files of the examples compare, and what they leave out. */
import { expect, it } from 'vitest';
import type { Stream } from '../../examples/stage.ts';
import type { RunEvent } from '../../src/client/run-event.ts';
import { newId } from '../../src/ids.ts';
import { goldenText } from './golden-text.ts';

type Told = [type: RunEvent['type'], data: Record<string, unknown>];

function stream(run_id: string, told: Told[], name = 'lead'): Stream {
  const created_at = new Date().toISOString();
  return { run_id, name, events: told.map(([type, data], i) => ({ seq: i + 1, type, data, created_at }) as RunEvent) };
}

const ids = () => ({ run: newId('run'), msg: newId('msg'), a: newId('call'), b: newId('call') });

it('chunks, ids, times and durations make no difference', () => {
  const told = (chunks: string[], ms: number) => {
    const { run, msg, a } = ids();
    return goldenText([
      stream(run, [
        ...chunks.map((content): Told => ['message.delta', { message_id: msg, content }]),
        [
          'tool.result',
          { call_id: a, output: `waited until ${new Date(ms).toISOString()} for ${run}`, duration_ms: ms },
        ],
      ]),
    ]);
  };
  expect(told(['Hel', 'lo'], 5)).toBe(told(['Hello'], 700));
  expect(told(['Hello'], 5)).toBe(
    [
      '# run_1 lead',
      'message.delta {"message_id":"msg_1","content":"Hello"}',
      'tool.result {"call_id":"call_1","output":"waited until <time> for run_1","duration_ms":"<ms>"}',
      '',
    ].join('\n'),
  );
  expect(told(['Hello'], 5)).not.toBe(told(['Hallo'], 5));
});

it('deltas of two messages stay two', () => {
  const text = goldenText([
    stream(newId('run'), [
      ['message.delta', { message_id: newId('msg'), content: 'a' }],
      ['message.delta', { message_id: newId('msg'), content: 'b' }],
    ]),
  ]);
  expect(text.match(/message\.delta/g)).toHaveLength(2);
});

it('what parallel calls report, and the streams of their children, stand in the order of the calls', () => {
  const { run, a, b } = ids();
  const [childA, childB] = [newId('run'), newId('run')];
  const calls: Told[] = [a, b].map((call_id) => ['tool.call', { call_id }]);
  const progressA: Told = ['tool.progress', { call_id: a, run_id: childA }];
  const resultA: Told = ['tool.result', { call_id: a, output: 'A' }];
  const progressB: Told = ['tool.progress', { call_id: b, run_id: childB }];
  const resultB: Told = ['tool.result', { call_id: b, output: 'B' }];
  const children = [stream(childA, [['run.completed', {}]], 'A'), stream(childB, [['run.failed', {}]], 'B')];
  const one = goldenText([stream(run, [...calls, progressA, progressB, resultA, resultB]), ...children]);
  const other = goldenText([stream(run, [...calls, progressB, resultB, progressA, resultA]), ...children.toReversed()]);
  expect(other).toBe(one);
  expect(one.match(/# \S+ \S+/g)).toEqual(['# run_1 lead', '# run_2 A', '# run_3 B']);
  const early = goldenText([stream(run, [...calls, resultA, progressA, progressB, resultB]), ...children]);
  expect(early).not.toBe(one);
});

it('the order of turns counts', () => {
  const turn = (it: number): Told => ['turn.started', { turn: it }];
  const run = newId('run');
  expect(goldenText([stream(run, [turn(1), turn(2)])])).not.toBe(goldenText([stream(run, [turn(2), turn(1)])]));
});
