/**
 * `npm run bench -- [--quick] [--form embedded|apart] [--no-file] [<row> …]`: measures Holdfast beside bare workflows on the same Temporal
 * server. Starts what it needs on 127.0.0.1, ends it again, prints a table and writes `bench/results/<date>.json`. Exit 1 when something
 * could not be measured, or is beyond its guard.
 */
import { parseArgs } from 'node:util';
import type { Form } from './forms/form.ts';
import { inWords, keeps } from './measure.ts';
import { circumstances, headline, type Result, save, table } from './report.ts';
import { rows } from './rows/index.ts';
import { Stage } from './stage.ts';

/** A row that takes longer hangs. */
const ROW_LIMIT_MS = 60 * 60_000;
/** What has not ended by then is killed. */
const END_LIMIT_MS = 60_000;
const FORMS: Form['name'][] = ['embedded', 'apart'];

const { values, positionals } = asked();
const named = rows.filter((row) => positionals.includes(row.name));
const chosen = positionals.length > 0 ? named : rows.filter((row) => !(values.quick && row.slow));
const forms = FORMS.filter((form) => values.form === undefined || form === values.form);
if (named.length < positionals.length || forms.length === 0) {
  console.error(`bench: the rows are ${rows.map((row) => row.name).join(', ')}; the forms ${FORMS.join(', ')}`);
  process.exit(1);
}
const result: Result = {
  ...{ date: new Date().toISOString(), quick: values.quick, ...circumstances() },
  ...{ temporal: {}, took: {}, measured: [] },
};
let stage: Stage | undefined;
let isEnding = false;
/** Ends what was started; whoever asks again is only answered. */
const giveUp = (why: string) => {
  console.error(`bench: ${why}${isEnding ? ', and it is ending what it has started' : ''}`);
  if (isEnding) return;
  isEnding = true;
  setTimeout(() => process.exit(1), END_LIMIT_MS);
  void (stage?.close() ?? Promise.resolve()).finally(() => process.exit(1));
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => giveUp(signal));

for (const form of forms) {
  stage = new Stage(form, values.quick);
  try {
    for (const row of chosen) await measure(stage, row);
    result.temporal[form] = await stage.temporalVersion();
    keep();
  } finally {
    await stage.close();
  }
}
const { measured } = result;
console.log(`\n${headline(result)}\n\n${table(measured)}\n\n${keep()}`);
const beyond = measured.filter((it) => it.guard !== undefined && !keeps(it, it.guard));
for (const it of beyond) console.error(`bench: ${it.form} ${it.row}: ${it.what} is not ${inWords(it, it.guard ?? 0)}`);
process.exit(beyond.length === 0 ? 0 : 1);

/** What the command line asks for; a word that it does not know ends the process. */
function asked() {
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        form: { type: 'string' },
        file: { type: 'boolean', default: true },
      },
      allowPositionals: true,
      allowNegative: true,
    });
  } catch (error) {
    console.error(`bench: ${(error as Error).message}`);
    return process.exit(1);
  }
}

/** Writes what has been measured so far, unless it is not to be kept; gives where. */
function keep(): string {
  return values.file ? save(result) : '';
}

async function measure(on: Stage, row: (typeof rows)[number]): Promise<void> {
  const began = performance.now();
  const late = setTimeout(() => giveUp(`${row.name} was not done within ${ROW_LIMIT_MS / 1_000} s`), ROW_LIMIT_MS);
  try {
    const measures = await row.measure(on);
    result.measured.push(...measures.map((it) => ({ form: on.formName, row: row.name, ...it })));
  } finally {
    clearTimeout(late);
  }
  const seconds = Math.round((performance.now() - began) / 1_000);
  result.took[`${on.formName} ${row.name}`] = seconds;
  keep();
  console.error(`bench: ${on.formName}: ${row.name} after ${seconds} s`);
}
