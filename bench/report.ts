/** The table on the terminal and the file beside it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Measure, ratio } from './measure.ts';

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));

export type Measured = Measure & { row: string };

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

export function table(measured: Measured[]): string {
  const head = ['row', 'measure', 'holdfast', 'bare', 'ratio'];
  const lines = measured.map((it) => [
    it.row,
    it.what,
    show(it.holdfast, it.unit),
    show(it.bare, it.unit),
    times(ratio(it)),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...lines.map(line)].join('\n');
}

/** Writes `bench/results/<date>.json`; gives its path. */
export function save(date: Date, result: object): string {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `${date.toISOString().slice(0, 19).replaceAll(':', '-')}.json`);
  writeFileSync(path, `${JSON.stringify({ date: date.toISOString(), ...result }, null, 2)}\n`);
  return path;
}

function show(value: number | undefined, unit: string): string {
  if (value === undefined) return '';
  const digits = unit === '' || unit === 'B' || value >= 1_000 ? 0 : value >= 100 ? 1 : 2;
  return unit.startsWith('/') ? `${value.toFixed(digits)}${unit}` : `${value.toFixed(digits)} ${unit}`.trimEnd();
}

const times = (value: number | undefined) => (value === undefined ? '' : `${value.toFixed(2)}×`);

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
