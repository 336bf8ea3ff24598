/** A `holdfast` command as a process of its own, in an environment of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { outputOf } from './process-output.ts';

export const TEST_KEY = 'test-key-of-the-default-organisation';
export const MAIN = fileURLToPath(new URL('../../bin/holdfast.mjs', import.meta.url));

export type Env = Record<string, string>;
export type Finished = { code: number | null; stdout: string; stderr: string; ms: number };

/** Runs a `holdfast` command to its end, which must come within `timeoutMs`. Only the given environment's own variables count. */
export async function runHoldfast(
  args: string[],
  { cwd, env, timeoutMs = 60_000, main = MAIN }: { cwd: string; env: Env; timeoutMs?: number; main?: string },
): Promise<Finished> {
  const began = performance.now();
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  return { ...(await outputOf(child)), ms: performance.now() - began };
}

/** An environment without this machine's Holdfast, Temporal and database settings, and ports that others do not look for. */
export function ownEnv(dataDir: string): Env {
  return {
    ...environmentOfOthers(),
    HOLDFAST_PORT: '0',
    HOLDFAST_API_KEY: TEST_KEY,
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_TEMPORAL_PORT: String(randomPort(20_000)),
    HOLDFAST_TEMPORAL_UI_PORT: String(randomPort(26_000)),
  };
}

/** This process's environment without what would configure Holdfast, or tell it that it is in a test. */
export function environmentOfOthers(): Env {
  const others = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST|TEMPORAL|VITEST|DATABASE)_?/.test(name));
  return Object.fromEntries(others) as Env;
}

/** Below what systems give out by themselves, so that a port once chosen stays free. */
export const randomPort = (from: number) => from + Math.floor(Math.random() * 5_000);
