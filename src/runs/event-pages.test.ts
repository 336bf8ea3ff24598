import { beforeEach, expect, it } from 'vitest';
import { EventPages } from './event-pages.ts';
import { type Frame, frameOf } from './event-tail.ts';

const RUN = { org_id: 'org_a', run_id: 'run_1' };
const PAGE = 10;
const LARGE = 'x'.repeat(3 * 1_048_576);

let pages: EventPages;
/** Where each read began. */
let reads: number[];
beforeEach(() => {
  pages = new EventPages();
  reads = [];
});

const pageAfter = (seq: number, data = '{}'): Frame[] =>
  Array.from({ length: PAGE }, (_, i) => frameOf({ seq: seq + 1 + i, type: 'message.delta', data, created_at: 0 }));

async function after(seq: number, { run = RUN, data = '{}' } = {}): Promise<number[]> {
  const frames = await pages.after(run, seq, async () => {
    reads.push(seq);
    return pageAfter(seq, data);
  });
  return frames.map((frame) => frame.seq);
}

it('readers at the same place share one read, and who comes within the page has its rest', async () => {
  const [one, other] = await Promise.all([after(0), after(0)]);
  expect(other).toEqual(one);
  expect(await after(0)).toEqual(one);
  expect(await after(7)).toEqual([8, 9, 10]);
  expect(await after(10)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  expect(reads).toEqual([0, 10]);
});

it('what was read for one organisation or run is given to no other', async () => {
  await after(0);
  await after(0, { run: { ...RUN, org_id: 'org_b' } });
  await after(0, { run: { ...RUN, run_id: 'run_2' } });
  expect(reads).toEqual([0, 0, 0]);
});

it('pages are forgotten, and beyond the bound none is kept', async () => {
  await after(0);
  pages.forget();
  await after(0);
  expect(reads).toEqual([0, 0]);
  await after(10, { data: LARGE });
  await after(10, { data: LARGE });
  expect(reads).toEqual([0, 0, 10, 10]);
});

it('a read that fails is told to all who wait for it, and the next asks again', async () => {
  const failing = () => Promise.reject(new Error('gone'));
  const both = await Promise.allSettled([pages.after(RUN, 0, failing), pages.after(RUN, 0, failing)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await after(0)).toHaveLength(PAGE);
});
