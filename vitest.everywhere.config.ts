/**
 * `npm run test:everywhere`: the suites that start `holdfast start` on a data directory of its own, in its other forms; `npm test` runs
 * them in the first, on SQLite. And a run of 1,000 turns on both stores, and brief calls on PostgreSQL.
 *
 * Left out is what is about a form itself: a restored SQLite file, two starts on one directory; and apart, what a stop does to one process
 * (`test/apart/stop.test.ts` and `rolling.test.ts` have it for two of each), a kill at a commit, which must be of the process that makes
 * it, and a Temporal that lost its database: where it is not Holdfast's own, nothing is rebuilt there until an operator says so.
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
      project('postgres', ['test/tools/{brief-calls,long-runs}.test.ts'], { HOLDFAST_TEST_TURNS: '1000' }),
      project('sqlite', ['test/tools/long-runs.test.ts'], {
        HOLDFAST_TEST_STORE: 'sqlite',
        HOLDFAST_TEST_TURNS: '1000',
      }),
      project(
        'start on postgres',
        suites(
          'beside',
          'brief-calls',
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
        suites('beside', 'brief-calls', 'cancel', 'client-commands', 'kill', 'stream', 'unknown-outcome'),
        {
          HOLDFAST_TEST_FORM: 'apart',
        },
      ),
    ],
  },
});
