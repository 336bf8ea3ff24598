/**
 * Run as a script by download-cli.ts: `node fetch-cli.ts <directory>` leaves the Temporal CLI in that directory. Exit 1
 * with the reason on standard error. `@temporalio/testing` offers no download without a start, so the server runs for a moment.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { PINNED_CLI_VERSION } from './cli-version.ts';

const directory = process.argv[2];
if (!directory) throw new Error('usage: node fetch-cli.ts <directory>');

const reasons: string[] = [];
// `default` is what the SDK's authors chose for this SDK, for the day the pinned release is withdrawn.
for (const version of [`v${PINNED_CLI_VERSION}`, 'default']) {
  try {
    const environment = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'cached-download', version, downloadDir: directory },
        log: { format: 'pretty', level: 'never' },
      },
    });
    await environment.teardown();
    process.exit(0);
  } catch (error) {
    reasons.push(error instanceof Error ? lastCause(error.message) : String(error));
  }
}
process.stderr.write(`${[...new Set(reasons)].join('; ')}\n`);
process.exit(1);

/** The SDK repeats the address at each of its layers; the innermost says what happened. */
function lastCause(message: string): string {
  const at = message.lastIndexOf('client error');
  return at === -1 ? message : `temporal.download: ${message.slice(at)}`;
}
