import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ObtainOptions, placeInCache } from './cached-binary.ts';
import { PINNED_CLI_VERSION } from './cli-version.ts';
import { goBuild } from './go-build.ts';

const MODULE_DIRECTORY = fileURLToPath(new URL('../../../tools/temporal/', import.meta.url));

/**
 * Builds the pinned CLI from tools/temporal with the machine's Go into `target` and returns its version. Minutes the first
 * time, seconds when Go's own build cache is warm. Throws a plain Error whose first line says what is missing or failed.
 */
export async function buildTemporalCli({ target, env, onProgress }: ObtainOptions): Promise<string> {
  return placeInCache(target, async (directory) => {
    const output = join(directory, 'temporal');
    await goBuild({
      what: 'Temporal server (once, 3-8 minutes)',
      module: MODULE_DIRECTORY,
      packages: ['github.com/temporalio/cli/cmd/temporal'],
      output,
      linkerFlags: `-X github.com/temporalio/cli/internal/temporalcli.Version=${PINNED_CLI_VERSION}`,
      env,
      onProgress,
    });
    return output;
  });
}
