/**
 * `npm run bench -- [--quick] [<row> …]`: measures Holdfast beside a bare one-activity workflow on the same Temporal server.
 * Starts what it needs on 127.0.0.1, ends it again, prints a table and writes `bench/results/<date>.json`.
 */
import { parseArgs } from 'node:util';
import { circumstances, type Measured, save, table } from './report.ts';
import { rows } from './rows/index.ts';
import { Stage } from './stage.ts';

/** A benchmark that takes longer hangs. */
const LIMIT_MS = 15 * 60_000;

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const chosen = positionals.length === 0 ? rows : rows.filter((row) => positionals.includes(row.name));
if (chosen.length < positionals.length) {
  console.error(`bench: the rows are ${rows.map((row) => row.name).join(', ')}`);
  process.exit(1);
}
const date = new Date();
const machine = circumstances();
const stage = new Stage(values.quick);
const measured: Measured[] = [];
const giveUp = (why: string) => {
  console.error(`bench: ${why}`);
  void stage.close().finally(() => process.exit(1));
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => giveUp(signal));
setTimeout(() => giveUp(`not done within ${LIMIT_MS / 1_000} s`), LIMIT_MS).unref();

let temporal = '';
try {
  for (const row of chosen) {
    const started = performance.now();
    measured.push(...(await row.measure(stage)).map((measure) => ({ row: row.name, ...measure })));
    console.error(`bench: ${row.name} after ${Math.round((performance.now() - started) / 1_000)} s`);
  }
  temporal = (await stage.server()).temporalVersion;
} finally {
  await stage.close();
}
const { node, holdfast, cpu, cores, load_before } = machine;
console.log(
  `\n${cpu}, ${cores} cores, load ${load_before.toFixed(2)} before · Node ${node} · Temporal ${temporal} · Holdfast ${holdfast}\n`,
);
console.log(table(measured));
console.log(`\n${save(date, { quick: values.quick, ...machine, temporal, measured })}`);
