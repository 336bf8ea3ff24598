import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';
import { buildOf, newestBuild } from './build.ts';

const noted = (build: string, first_at = 0) => ({ build, first_at, alive: true });

it('a build is the same wherever its files are, and another when its workflow is another', () => {
  const { path, remove } = temporaryDirectory();
  const copy = join(path, 'workflows');
  cpSync(fileURLToPath(new URL('../workflows', import.meta.url)), copy, { recursive: true });
  expect(buildOf('1.2.3', copy)).toBe(buildOf('1.2.3'));
  expect(buildOf('1.2.3')).toMatch(/^1\.2\.3-[0-9a-f]{10}$/);
  writeFileSync(join(copy, 'waits.ts'), '');
  expect(buildOf('1.2.3', copy)).not.toBe(buildOf('1.2.3'));
  remove();
});

it.each([
  ['0.9.0-x', '0.10.0-x'],
  ['1.0.0-rc.2-x', '1.0.0-rc.10-x'],
  ['1.0.0-rc.10-x', '1.0.0-x'],
  ['1.9.9-x', '2.0.0-rc.1-x'],
])('%s is older than %s, whichever was noted first', (older, newer) => {
  expect(newestBuild([noted(older, 2), noted(newer, 1)])).toBe(newer);
  expect(newestBuild([noted(newer, 1), noted(older, 2)])).toBe(newer);
});

it('of two builds of one version the one noted first later is the newer', () => {
  expect(newestBuild([noted('1.0.0-b', 1), noted('1.0.0-a', 2)])).toBe('1.0.0-a');
});
