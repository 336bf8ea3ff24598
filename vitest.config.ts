import { defineConfig } from 'vitest/config';

/** What depends on the store, and so is run on PostgreSQL as well. */
const ON_BOTH = [
  'src/{journal,runs}/*.test.ts',
  'src/api/native/core.test.ts',
  'test/{invariants,tools}/**/*.test.ts',
  'test/openai/{resources,runs}.test.ts',
  'test/minds/{ids,named-runs}.test.ts',
  'test/replay/live.test.ts',
];
/** What only PostgreSQL has. */
const ON_POSTGRES = ['src/journal/postgres/**/*.test.ts'];
/** APIs and workers as processes of their own, which need PostgreSQL and a Temporal cluster. */
const APART = ['test/apart/**/*.test.ts'];

/**
 * Every suite runs real parts; files run three at a time, each in a process of its own, also on two cores: much of their time is
 * waiting. A busy machine is given its time.
 */
export const EVERY_SUITE = {
  globalSetup: ['test/support/global-setup.ts'],
  pool: 'forks' as const,
  maxWorkers: 3,
  testTimeout: 90_000,
  hookTimeout: 180_000,
};

/** PostgreSQL and the cluster are started for their suites only. */
export default defineConfig({
  test: {
    ...EVERY_SUITE,
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          include: ['{src,workflows,activities,worker,test}/**/*.test.ts'],
          exclude: [...ON_POSTGRES, ...APART],
          env: { HOLDFAST_TEST_STORE: 'sqlite' },
        },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          include: [...ON_BOTH, ...ON_POSTGRES],
          // Runs of many turns, and calls that differ in Temporal alone: `npm run test:everywhere` has them.
          exclude: ['test/tools/{brief-calls,long-runs}.test.ts'],
          globalSetup: ['test/support/postgres-setup.ts'],
          env: { HOLDFAST_TEST_STORE: 'postgres' },
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          include: APART,
          globalSetup: ['test/support/postgres-setup.ts', 'test/support/cluster-setup.ts'],
          env: { HOLDFAST_TEST_STORE: 'postgres' },
        },
      },
    ],
  },
});
