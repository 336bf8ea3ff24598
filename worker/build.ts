/** Which build of Holdfast this is, and which of several is the newest. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NotedBuild } from '../src/journal/transactions/note-worker.ts';
import { VERSION } from '../src/version.ts';

const WORKFLOWS = fileURLToPath(new URL('../workflows', import.meta.url));
const DIGEST_LENGTH = 10;

/** The version, and a digest of what decides how a history replays: `0.1.0-1f2e3d4c5b`. The same for the same files, wherever they are. */
export function buildOf(version = VERSION, folder = WORKFLOWS): string {
  return `${version}-${digestOfWorkflows(folder).slice(0, DIGEST_LENGTH)}`;
}

/** Of the workflow code, which imports nothing of ours but itself. */
export function digestOfWorkflows(folder = WORKFLOWS): string {
  const digest = createHash('sha256');
  for (const file of readdirSync(folder).sort()) digest.update(`${file}\0`).update(readFileSync(`${folder}/${file}`));
  return digest.digest('hex');
}

/** The newest by its version; of one version with two digests, as one has them while developing, the one that was noted first later. */
export function newestBuild(builds: NotedBuild[]): string | undefined {
  return builds.toSorted((a, b) => compareVersions(a.build, b.build) || a.first_at - b.first_at).at(-1)?.build;
}

function compareVersions(a: string, b: string): number {
  const [x, y] = [partsOf(a), partsOf(b)];
  for (let i = 0; i < 3; i++) if (x.numbers[i] !== y.numbers[i]) return (x.numbers[i] ?? 0) - (y.numbers[i] ?? 0);
  // A version comes after those that lead up to it: 1.0.0-rc.1, then 1.0.0.
  if (x.before === '' || y.before === '') return Number(x.before === '') - Number(y.before === '');
  return x.before.localeCompare(y.before, 'en', { numeric: true });
}

function partsOf(build: string): { numbers: number[]; before: string } {
  const version = build.slice(0, build.lastIndexOf('-'));
  const [, numbers = '', before = ''] = /^([\d.]+)(?:-(.*))?$/.exec(version) ?? [];
  return { numbers: numbers.split('.').map(Number), before };
}
