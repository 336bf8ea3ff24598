import { defineConfig } from 'vitest/config';

/** Every suite runs real parts; files run two at a time, each in a process of its own. */
export default defineConfig({
  test: {
    include: ['{src,workflows,activities,worker,test}/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
