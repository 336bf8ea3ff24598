/** Outcomes travel through Temporal's history (invariant 7): however much a turn calls, its outcome is under 2 KB. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ClockedJournal,
  clientCall,
  openClockedJournal,
  question,
  serverCall,
} from '../../test/support/clocked-journal.ts';
import type { TurnCall } from './open-calls.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const MAX_PAYLOAD_BYTES = 2_048;
const many = (count: number, make: (i: number) => TurnCall) => Array.from({ length: count }, (_, i) => make(i));

describe('the outcome of a turn stays under 2 KB', () => {
  it.each<[string, TurnCall[]]>([
    ['with as many calls as a turn may make', many(64, (i) => serverCall(`server/a_tool_with_a_long_name_${i}`))],
    ['with more calls than a turn may make', many(500, (i) => serverCall(`server/a_tool_with_a_long_name_${i}`))],
    [
      'with questions, client calls and calls together',
      [
        ...many(15, (i) => question(`question ${i}?`)),
        clientCall('locate'),
        ...many(48, (i) => serverCall(`server/a_tool_with_a_long_name_${i}`)),
      ],
    ],
  ])('%s', async (_what, calls) => {
    const run = await journal.create();
    const outcome = await journal.turnWith(run, calls);
    expect(Buffer.byteLength(JSON.stringify(outcome))).toBeLessThan(MAX_PAYLOAD_BYTES);
    const position = await journal.write('loadRun', run);
    expect(Buffer.byteLength(JSON.stringify(position))).toBeLessThan(MAX_PAYLOAD_BYTES);
    // Every call has its event; what is beyond the limits has its refusal as its result.
    const events = await journal.events(run);
    expect(events.filter((event) => event.type === 'tool.call')).toHaveLength(calls.length);
    const refused = events.filter((event) => event.type === 'tool.result' && event.data.status === 'error');
    expect(refused).toHaveLength(Math.max(0, calls.length - 64));
  });
});
