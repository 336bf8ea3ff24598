/** docs/operations.md names every queue, timeout and retry with its value: held against the constants, so that it cannot rot. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['src', 'activities', 'worker', 'workflows'];
/** What is no part of a server at work: commands, how Temporal's program is found and built, the demo model, parts of tests. */
const APART =
  /^src\/(cli|client)\/|^src\/server\/(doctor|agreement)|\/local-server\/(build|download|find|go-build|cli|local)[^/]*(?<!local-temporal)\.ts$|\/demo\/|\.test\.ts$|\/test-/;
/** What a request may say: the schemas of the API tell. */
const SAID = /^src\/api\/(native\/schemas|openai)\/|^src\/config\//;
const IS_BOUND = /^MAX_|_(MS|S|LIMIT|AT_A_TIME|BYTES|EVENTS|CHARS|RACES|RETRIES|CONCURRENCY|ALL|STARTING)$/;
/** Named like bounds, and none: lengths of ids and names, room for a mark, what a timer can hold, how much of an error is shown. */
const NO_BOUNDS = new Set([
  ...[
    'TRACE_ID_BYTES',
    'SPAN_ID_BYTES',
    'COUNTER_LIMIT',
    'WIRE_NAME_LIMIT',
    'MAX_KEY_CHARACTERS',
    'MAX_JSON_DEPTH',
    'MAX_LISTED',
  ],
  ...['MARKER_ROOM_BYTES', 'MAX_TIMEOUT_MS', 'NO_TIMEOUT_MS', 'MESSAGE_LIMIT', 'MAX_LENGTH', 'TAIL_BYTES'],
]);

type Constant = { name: string; file: string; source: string };

/** Every constant of a file's top level that is a number and named as a bound. */
function constants(): Constant[] {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  return files
    .filter((file) => file.endsWith('.ts') && !APART.test(file) && !SAID.test(file))
    .flatMap((file) =>
      [
        ...readFileSync(join(ROOT, file), 'utf8').matchAll(
          /^(?:export )?const ([A-Z][A-Z0-9_]+) = ([\d][\w\s*+.-]*);/gm,
        ),
      ]
        .map(([, name, source]) => ({ file, name: name as string, source: source as string }))
        .filter(({ name }) => IS_BOUND.test(name) && !NO_BOUNDS.has(name)),
    );
}

/** The number that a constant's source says: a product, of other constants too. */
function numberIn(source: string, all: Constant[]): number {
  return source.split(/\s*\*\s*/).reduce((product, factor) => {
    const named = all.find(({ name }) => name === factor);
    return product * (named ? numberIn(named.source, all) : Number(factor.replaceAll('_', '')));
  }, 1);
}

const UNITS: Record<string, number> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Record<string, number> = { KiB: 1_024, MiB: 1_048_576 };

/** A documented value, in the unit that the constant's name says. */
function documented(text: string, name: string): number {
  const [, number = '', unit] = /^([\d,.]+)(?: (\w+))?$/.exec(text) ?? [];
  const value = Number(number.replaceAll(',', ''));
  if (unit === undefined) return value;
  if (unit in SIZES) return value * (SIZES[unit] ?? Number.NaN);
  return (value * (UNITS[unit] ?? Number.NaN)) / (name.endsWith('_S') ? 1_000 : 1);
}

/** The rows of the tables below "Bounds": constant, value, file. */
function rows(): { name: string; value: string; file: string }[] {
  const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
  const section = text.slice(text.indexOf('\n## Bounds'));
  return [...section.matchAll(/^\| `([A-Z0-9_]+)` *\| ([^|]+?) *\| `([^`]+)` *\| ([^|]+?) *\|$/gm)].map(
    ([, name = '', value = '', file = '', beyond = '']) => {
      if (beyond.trim() === '') throw new Error(`${name}: what happens beyond it?`);
      return { name, value, file };
    },
  );
}

it('every bound of a server is in the table, with its value and its file', () => {
  const all = constants();
  const told = (it: { name: string; file: string }, value: number) => `${it.file} ${it.name} ${value}`;
  const inCode = all.map((it) => told(it, numberIn(it.source, all))).sort();
  const inTable = rows()
    .map((row) => told(row, documented(row.value, row.name)))
    .sort();
  expect(inCode.length).toBeGreaterThan(80);
  expect(inTable).toEqual(inCode);
});
