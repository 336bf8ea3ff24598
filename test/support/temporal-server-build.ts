/** Temporal's own server and its SQL tool, as a cluster runs them: built once from tools/temporal-server with the machine's Go. */
import { constants } from 'node:fs';
import { access, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDirectory, inUnfinishedDirectory } from '../../src/cache-directory.ts';
import { goBuild } from '../../src/temporal/local-server/go-build.ts';
import { isCode } from '../../src/temporal/local-server/process-identity.ts';

/** The version that tools/temporal-server/go.mod pins. */
export const TEMPORAL_SERVER_VERSION = '1.32.0';
const MODULE_DIRECTORY = fileURLToPath(new URL('../../tools/temporal-server/', import.meta.url));
const PACKAGES = ['go.temporal.io/server/cmd/tools/sql', 'go.temporal.io/server/cmd/server'] as const;

export type TemporalServerBinaries = { server: string; sql: string };

/** The two binaries, from the cache beside the CLI's; built into it when one is missing. Throws what Go lacks or said. */
export async function temporalServerBinaries(onProgress: (line: string) => void): Promise<TemporalServerBinaries> {
  const cache = join(cacheDirectory(process.env), `temporal-server-${TEMPORAL_SERVER_VERSION}`);
  const binaries = { server: join(cache, 'server'), sql: join(cache, 'sql') };
  if ((await isExecutable(binaries.server)) && (await isExecutable(binaries.sql))) return binaries;
  await inUnfinishedDirectory(cache, async (directory) => {
    const output = join(directory, 'bin');
    await mkdir(output);
    await goBuild({
      what: `Temporal's cluster ${TEMPORAL_SERVER_VERSION} for the tests (once, 2-8 minutes)`,
      ...{ module: MODULE_DIRECTORY, packages: PACKAGES, output, env: process.env, onProgress },
    });
    for (const name of ['server', 'sql'] as const) await rename(join(output, name), binaries[name]);
  });
  return binaries;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}
