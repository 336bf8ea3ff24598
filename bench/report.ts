/** The table on the terminal and the file beside it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inWords, keeps, type Measure, ratio } from './measure.ts';

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));

export type Measured = Measure & { form: 'embedded' | 'apart'; row: string };

export type Result = ReturnType<typeof circumstances> & {
  date: string;
  quick: boolean;
  /** The version of each form's Temporal server. */
  temporal: Record<string, string>;
  /** Seconds that each row took. */
  took: Record<string, number>;
  measured: Measured[];
};

/** The machine and the versions that the figures belong to. */
export function circumstances() {
  return {
    node: process.version,
    holdfast: commit(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    /** Processes that wanted a core in the last minute, before the first row: above 0 the machine is shared. */
    load_before: loadavg()[0] ?? 0,
  };
}

/** Machine, versions, commit, day and minutes of a result, in one line. */
export function headline(result: Result): string {
  const servers = Object.entries(result.temporal).map(([form, version]) => `${version} (${form})`);
  const seconds = Object.values(result.took).reduce((sum, took) => sum + took, 0);
  return [
    `${result.cpu}, ${result.cores} cores, ${result.memory_gib} GiB, load ${result.load_before.toFixed(2)} before`,
    ...[`Node ${result.node}`, `Temporal ${servers.join(', ')}`, `Holdfast ${result.holdfast}`],
    `${result.date.slice(0, 10)}, ${Math.ceil(seconds / 60)} min${result.quick ? ', --quick' : ''}`,
  ].join(' · ');
}

/** What several results say together, in the order of the first: a form's row that a later one has stands in place of an earlier one's. */
export function latestOf(results: Result[]): Measured[] {
  const byRow = new Map<string, Measured[]>();
  for (const { measured } of results) {
    for (const [row, of] of Map.groupBy(measured, ({ form, row }) => `${form} ${row}`)) byRow.set(row, of);
  }
  return [...byRow.values()].flat();
}

export function table(measured: Measured[]): string {
  const head = ['form', 'row', 'measure', 'holdfast', 'against', 'ratio', 'goal'];
  const lines = measured.map((it) => [
    ...cells(it),
    it.goal === undefined ? '' : `${inWords(it, it.goal)} ${keeps(it, it.goal) ? '✓' : '✗'}`,
  ]);
  return inColumns(head, lines);
}

/** Form, row, measure, Holdfast's figure, the other's, their ratio. */
export const cells = (it: Measured): string[] => [
  ...[it.form, it.row, it.what],
  ...[show(it.holdfast, it.unit), show(it.against, it.unit), times(ratio(it))],
];

/** A table for the terminal; the first three columns are words, the others figures. */
export function inColumns(head: string[], lines: string[][]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  const line = (of: string[]) =>
    of
      .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...lines.map(line)].join('\n');
}

/** Writes `bench/results/<date>.json`, again after each row; gives its path. */
export function save(result: Result): string {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `${result.date.slice(0, 19).replaceAll(':', '-')}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

export function show(value: number | undefined, unit: string): string {
  if (value === undefined) return '';
  const isWhole = unit === 'B' || (unit === '' && Number.isInteger(value));
  const digits = isWhole || value >= 1_000 ? 0 : value >= 100 ? 1 : 2;
  return unit.startsWith('/') ? `${value.toFixed(digits)}${unit}` : `${value.toFixed(digits)} ${unit}`.trimEnd();
}

export const times = (value: number | undefined) => (value === undefined ? '' : `${value.toFixed(2)}×`);

/** The commit that is measured, `+changes` when the code differs from it; `unknown` outside of a checkout. */
function commit(): string {
  const head = git('rev-parse', '--short', 'HEAD');
  if (head === undefined) return 'unknown';
  return git('status', '--porcelain', '--', 'src', 'activities', 'workflows', 'worker') ? `${head}+changes` : head;
}

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
