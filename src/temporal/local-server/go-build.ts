import { execFile, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { compareVersions, firstLine } from './cli-version.ts';

/** The `go` directive of the modules below tools/. */
const MIN_GO_VERSION = '1.26.8';
/** From 1.21 on, Go fetches the toolchain a module asks for, unless GOTOOLCHAIN forbids it. */
const FIRST_GO_WITH_TOOLCHAINS = '1.21.0';
const GO_ENV_TIMEOUT_MS = 10_000;
/** Two old cores and a slow network are within it; a build that hangs is not. */
const BUILD_TIMEOUT_MS = 20 * 60_000;
const PROGRESS_EVERY_MS = 5_000;
const ERROR_TAIL_CHARACTERS = 600;

const run = promisify(execFile);

export interface GoBuild {
  /** What is built and how long that takes, for the progress lines. */
  what: string;
  /** The directory of the module whose go.mod pins the packages. */
  module: string;
  packages: readonly string[];
  /** The binary; with several packages an existing directory, in which each binary has its package's last name. */
  output: string;
  /** For the linker, besides leaving out what only a debugger needs. */
  linkerFlags?: string;
  env: NodeJS.ProcessEnv;
  onProgress: (line: string) => void;
}

/** Builds with the machine's Go. Throws a plain Error whose first line says what is missing or failed. */
export async function goBuild(build: GoBuild): Promise<void> {
  await requireGo(build.env);
  await compile(build);
}

async function requireGo(env: NodeJS.ProcessEnv): Promise<void> {
  const needs = `Go ${MIN_GO_VERSION} or later (https://go.dev/dl)`;
  let output: string;
  try {
    // Not inside the module: there, an older Go would begin to download a toolchain before it answers.
    const asked = await run('go', ['env', 'GOVERSION', 'GOTOOLCHAIN'], {
      env,
      cwd: tmpdir(),
      timeout: GO_ENV_TIMEOUT_MS,
    });
    output = asked.stdout;
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new Error(
      absent ? `no \`go\` on the PATH; a build needs ${needs}` : `\`go env\` failed: ${firstLine(error)}`,
    );
  }
  const [goVersion = '', toolchain = ''] = output.split('\n').map((line) => line.trim());
  const version = /^go(\d+\.\d+(\.\d+)?)/.exec(goVersion)?.[1];
  if (!version) throw new Error(`unreadable Go version ${JSON.stringify(goVersion)}; a build needs ${needs}`);
  if (compareVersions(version, MIN_GO_VERSION) >= 0) return;
  const fetchesNewer = toolchain.includes('auto') && compareVersions(version, FIRST_GO_WITH_TOOLCHAINS) >= 0;
  if (!fetchesNewer) throw new Error(`Go is ${version} with GOTOOLCHAIN=${toolchain}; a build needs ${needs}`);
}

function compile({ what, module, packages, output, linkerFlags = '', env, onProgress }: GoBuild): Promise<void> {
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', `-s -w ${linkerFlags}`.trim(), '-o', output];
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  const say = (): void => onProgress(`building ${what} … ${seconds()} s`);
  say();
  return new Promise((resolve, reject) => {
    const child = spawn('go', ['build', ...flags, ...packages], {
      cwd: module,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: BUILD_TIMEOUT_MS,
    });
    let tail = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-ERROR_TAIL_CHARACTERS);
    });
    const progress = setInterval(say, PROGRESS_EVERY_MS);
    const end = (settle: () => void): void => {
      clearInterval(progress);
      settle();
    };
    child.once('error', (error) => end(() => reject(error)));
    child.once('close', (code, signal) =>
      end(() => {
        if (code === 0) return resolve();
        const why = signal ? `ended by ${signal}` : `exit code ${code}`;
        reject(new Error(`go build failed after ${seconds()} s (${why}): ${tail.trim().replaceAll('\n', ' | ')}`));
      }),
    );
  });
}
