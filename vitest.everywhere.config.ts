/**
 * `npm run test:everywhere`: the suites that start `holdfast start` on a data directory of its own, in its other forms. `npm test` runs
 * them in the first, on SQLite.
 */
import { defineConfig } from 'vitest/config';
import { EVERY_SUITE } from './vitest.config.ts';

const project = (name: string, include: string[], env: Record<string, string>) => ({
  extends: true as const,
  test: {
    name,
    include,
    globalSetup: ['test/support/postgres-setup.ts'],
    env: { HOLDFAST_TEST_STORE: 'postgres', ...env },
  },
});

const suites = (...names: string[]) => names.map((name) => `test/process/${name}.test.ts`);

export default defineConfig({
  test: {
    ...EVERY_SUITE,
    projects: [
      project(
        'start on postgres',
        suites(
          'beside',
          'cancel',
          'client-commands',
          'doctor',
          'kill',
          'kill-at-every-commit',
          'lost-temporal',
          'no-temporal',
          'overload',
          'shutdown',
          'stream',
          'unknown-outcome',
        ),
        {},
      ),
      project(
        'apart',
        suites('beside', 'cancel', 'client-commands', 'kill', 'lost-temporal', 'stream', 'unknown-outcome'),
        { HOLDFAST_TEST_FORM: 'apart' },
      ),
    ],
  },
});
