import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLog } from '../src/log.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';
import { bundleWorkflows, KEPT_BUNDLES } from './bundle.ts';

const WORKFLOWS = fileURLToPath(new URL('../workflows/', import.meta.url));
const log = createLog('silent');

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ path: directory, remove } = temporaryDirectory());
});
afterEach(() => remove());

/** The only file in the directory. */
function keptFile(): string {
  const names = readdirSync(directory);
  expect(names).toHaveLength(1);
  return join(directory, names[0] ?? '');
}

it('is kept, and taken from there by the next start', async () => {
  const { code } = await bundleWorkflows(log, directory);
  const file = keptFile();
  const text = readFileSync(file, 'utf8');
  expect(text.endsWith(code)).toBe(true);
  utimesSync(file, 1, 1);
  expect(await bundleWorkflows(log, directory)).toEqual({ code });
  expect(statSync(keptFile()).mtimeMs).toBe(1_000);
});

it.each([
  ['cut off', (text: string) => text.slice(0, text.length / 2)],
  ['empty', () => ''],
  ['changed', (text: string) => text.replace('agentRun', 'agentRan')],
])('a kept file that is %s is not run: it is made again', async (_, damage) => {
  const { code } = await bundleWorkflows(log, directory);
  const file = keptFile();
  const whole = readFileSync(file, 'utf8');
  expect(damage(whole)).not.toBe(whole);
  writeFileSync(file, damage(whole));
  expect((await bundleWorkflows(log, directory)).code).toBe(code);
  expect(readFileSync(file, 'utf8')).toBe(whole);
});

it('a directory that cannot be written costs a line in the log', async () => {
  const lines: string[] = [];
  const file = join(directory, 'a file');
  writeFileSync(file, '');
  const seen = createLog('info', { write: (line: string) => void lines.push(line) });
  expect((await bundleWorkflows(seen, file)).code).toContain('agentRun');
  expect(lines.join('')).toContain('the bundled workflow code is not kept');
});

it('of many, the newest are kept', async () => {
  for (let i = 0; i < KEPT_BUNDLES + 3; i++) {
    const file = join(directory, `${String(i).padStart(64, '0')}.js`);
    writeFileSync(file, '');
    utimesSync(file, i + 1, i + 1);
  }
  mkdirSync(join(directory, 'not ours'));
  await bundleWorkflows(log, directory);
  const names = readdirSync(directory);
  expect(names).toHaveLength(KEPT_BUNDLES + 2);
  expect(names).toContain('not ours');
  const olds = names.filter((it) => it.startsWith('0000')).sort();
  expect(olds[0]).toBe(`${'3'.padStart(64, '0')}.js`);
});

it('its digest covers all that is ours in it: the workflow code imports values from itself and from the SDK only', () => {
  const imported = readdirSync(WORKFLOWS).flatMap((name) => {
    const text = readFileSync(join(WORKFLOWS, name), 'utf8');
    const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;']*\bfrom\s+)?'([^']+)'/gm);
    const calls = text.matchAll(/\b(?:import|require)\(\s*['"`]([^'"`]+)/g);
    return [...statements, ...calls].map(([, from]) => from);
  });
  expect(imported).toContain('./waits.ts');
  expect(imported).toContain('@temporalio/workflow');
  for (const from of imported) expect(from).toMatch(/^(\.\/[\w-]+\.ts|@temporalio\/(workflow|common))$/);
});
