/** The two databases of a Temporal cluster, with the schemas that the server's own SQL tool holds. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { randomText } from '../../src/ids.ts';
import { onDatabase } from './postgres-database.ts';

const SCHEMA_TIMEOUT_MS = 60_000;
const run = promisify(execFile);

export type TemporalDatabases = { main: URL; visibility: URL; drop(): Promise<void> };

/** Makes both on the server of `postgresUrl`. Throws what the tool says. */
export async function createTemporalDatabases(options: {
  postgresUrl: string;
  prefix: string;
  sqlTool: string;
}): Promise<TemporalDatabases> {
  const { postgresUrl, sqlTool } = options;
  const prefix = `${options.prefix}temporal_${randomText(6)}`;
  const create = async (name: string, schema: string) => {
    await onDatabase(postgresUrl, `create database ${name}`);
    const url = new URL(postgresUrl);
    url.pathname = `/${name}`;
    const env = toolEnvironment(url);
    for (const command of [
      ['setup-schema', '-v', '0.0'],
      ['update-schema', '--schema-name', `postgresql/v12/${schema}`],
    ]) {
      await run(sqlTool, command, { env, timeout: SCHEMA_TIMEOUT_MS });
    }
    return url;
  };
  const [main, visibility] = await Promise.all([create(prefix, 'temporal'), create(`${prefix}_v`, 'visibility')]);
  return {
    ...{ main, visibility },
    async drop() {
      for (const { pathname } of [main, visibility]) {
        await onDatabase(postgresUrl, `drop database ${pathname.slice(1)} with (force)`);
      }
    },
  };
}

/** The password goes by the environment: others of this machine can read arguments. */
function toolEnvironment(url: URL): NodeJS.ProcessEnv {
  return {
    ...{ PATH: process.env.PATH, SQL_PLUGIN: 'postgres12', SQL_HOST: url.hostname, SQL_PORT: url.port || '5432' },
    ...{ SQL_USER: decodeURIComponent(url.username), SQL_PASSWORD: decodeURIComponent(url.password) },
    SQL_DATABASE: url.pathname.slice(1),
  };
}
