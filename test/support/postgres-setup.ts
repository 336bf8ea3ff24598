/** The PostgreSQL server of the suites that need one: the one that DATABASE_URL names, else a server of their own. */
import type { TestProject } from 'vitest/node';
import { randomText } from '../../src/ids.ts';
import { dropDatabases } from './postgres-database.ts';
import { startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A database in which others can be made. */
    postgresUrl: string;
    /** What the names of this test run's databases begin with. */
    postgresPrefix: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = performance.now();
  const prefix = `holdfast_test_${randomText(6)}_`;
  const server = process.env.DATABASE_URL ? undefined : await startPostgres();
  const url = server?.url ?? (process.env.DATABASE_URL as string);
  process.stdout.write(
    `tests: PostgreSQL at ${new URL(url).host}, after ${Math.round(performance.now() - started)} ms\n`,
  );
  project.provide('postgresUrl', url);
  project.provide('postgresPrefix', prefix);
  return async () => {
    if (server) await server.stop();
    else await dropDatabases(url, prefix);
  };
}
