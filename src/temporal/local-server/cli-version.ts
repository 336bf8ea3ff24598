import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The version that tools/temporal/go.mod pins and that a download asks for. */
export const PINNED_CLI_VERSION = '1.9.1';
/** The oldest CLI whose server has what Holdfast needs (eager starts, fairness, the three poll rates). */
export const MIN_CLI_VERSION = '1.5.0';
/** The server inside CLI 1.5.0. A CLI built from source calls itself 0.0.0-DEV: only its server's version counts then. */
export const MIN_SERVER_VERSION = '1.29.0';
/** A cold 150 MB binary on a slow disk needs seconds for its first `--version`. */
const VERSION_TIMEOUT_MS = 15_000;

const run = promisify(execFile);

export type CliCheck = { usable: true; version: string } | { usable: false; why: string };

/** Runs `<path> --version`; says why when the binary does not run, cannot be read or is too old. */
export async function checkCli(path: string): Promise<CliCheck> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: VERSION_TIMEOUT_MS });
    return judgeVersion(stdout);
  } catch (error) {
    return { usable: false, why: `does not run: ${firstLine(error)}` };
  }
}

/** Judges what `temporal --version` printed, for example `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`. */
export function judgeVersion(output: string): CliCheck {
  const cli = /temporal version v?(\d+\.\d+\.\d+)(-\S+)?/.exec(output);
  if (!cli?.[1]) return { usable: false, why: `unreadable version: ${JSON.stringify(output.trim().slice(0, 80))}` };
  if (cli[1] === '0.0.0') {
    const server = /Server (\d+\.\d+\.\d+)/.exec(output)?.[1];
    if (server && compareVersions(server, MIN_SERVER_VERSION) >= 0) {
      return { usable: true, version: `0.0.0-DEV (server ${server})` };
    }
    return { usable: false, why: `a source build with server ${server ?? 'unknown'}; needs ${MIN_SERVER_VERSION}` };
  }
  if (compareVersions(cli[1], MIN_CLI_VERSION) < 0) {
    return { usable: false, why: `version ${cli[1]}; needs ${MIN_CLI_VERSION} or later` };
  }
  return { usable: true, version: cli[1] };
}

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`; both `major.minor.patch`. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first line of an error's message. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? message;
}
