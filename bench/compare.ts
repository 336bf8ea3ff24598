/**
 * `npm run bench:compare -- <a.json> <b.json>`: whether two runs of the benchmark agree. Ratios of p50s and of rates within 15 %,
 * p99s within 2×; other figures are shown. Exit 1 when a measure does not, or none can be held against the other.
 */
import { agreements, agrees, missingIn } from './agreement.ts';
import { headline, inColumns, show, times } from './report.ts';
import { readResult } from './result-file.ts';

const [a, b, ...rest] = process.argv.slice(2);
if (a === undefined || b === undefined || rest.length > 0) {
  console.error('usage: npm run bench:compare -- <a.json> <b.json>');
  process.exit(1);
}
const first = readResult(a);
const second = readResult(b);
const all = agreements(first, second);
const held = all.filter(({ within }) => within !== undefined);
const parted = held.filter((it) => !agrees(it));

const lines = all.map((it) => [
  ...[it.measure.form, it.measure.row, it.measure.what],
  ...it.values.map((value) => (it.of === 'ratio' ? times(value) : show(value, it.measure.unit))),
  times(it.apart),
  it.within === undefined ? '' : `≤ ${it.within}× ${agrees(it) ? '✓' : '✗'}`,
]);
console.log(`${headline(first)}\n${headline(second)}\n`);
console.log(inColumns(['form', 'row', 'measure', 'first', 'second', 'apart by', 'wanted'], lines));
for (const name of missingIn(second, first)) console.log(`only in the first: ${name}`);
for (const name of missingIn(first, second)) console.log(`only in the second: ${name}`);
console.log(`\n${held.length - parted.length} of ${held.length} agree`);
process.exit(parted.length > 0 || held.length === 0 ? 1 : 0);
