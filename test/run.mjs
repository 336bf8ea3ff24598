// `npm test`: types, lint, every suite on real parts, then Holdfast beside bare workflows: it must not have become slow. Its last line
// holds the counts. Plain JavaScript, so that an older Node can say what it lacks.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NEEDED_MAJOR = 24;
if (Number(process.versions.node.split('.')[0]) < NEEDED_MAJOR) {
  console.error(
    `holdfast: Node ${NEEDED_MAJOR} or newer is needed, this is ${process.versions.node} (https://nodejs.org).`,
  );
  process.exit(1);
}

const GUARDED = ['run-latency', 'run-rate', 'tool-rate', 'history'];

const directory = mkdtempSync(join(tmpdir(), 'holdfast-results-'));
const results = join(directory, 'results.json');
const steps = [
  { what: 'types', command: ['tsc', '--noEmit'] },
  { what: 'lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  {
    what: 'tests',
    command: ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
  },
  // The rows that have a guard: ratios far from their goals, which a machine that is busy otherwise does not reach.
  { what: 'speed', command: ['node', 'bench/main.ts', '--quick', '--no-file', '--form', 'embedded', ...GUARDED] },
];

let failed = 0;
let passed = 0;
for (const { what, command } of steps) {
  const started = Date.now();
  console.log(`\n── ${what}: ${command.slice(0, 2).join(' ')}`);
  const [file, ...args] =
    command[0] === 'node' ? [process.execPath, ...command.slice(1)] : ['npx', '--no-install', ...command];
  const { status } = spawnSync(file, args, { stdio: 'inherit' });
  console.log(`── ${what}: ${status === 0 ? 'ok' : 'FAILED'} after ${Math.round((Date.now() - started) / 1000)} s`);
  if (what !== 'tests') {
    if (status === 0) passed++;
    else failed++;
    continue;
  }
  const counts = readResults();
  passed += counts.passed;
  // A run that ends badly has failed, even when no single test did (a suite that cannot be loaded, an unhandled error).
  failed += status === 0 ? counts.failed : Math.max(1, counts.failed);
}
rmSync(directory, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function readResults() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(results, 'utf8'));
    // Nothing may be skipped: a skipped test counts as failed.
    return { passed: numPassedTests, failed: numFailedTests + numPendingTests + numTodoTests };
  } catch (error) {
    console.error(`no test results: ${error.message}`);
    return { passed: 0, failed: 1 };
  }
}
