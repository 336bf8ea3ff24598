/** A command of Holdfast as it is released, as a child whose environment is the benchmark's alone. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentOfOthers, MAIN } from '../../test/support/run-holdfast.ts';
import { end, endsWithUs } from '../child.ts';
import { KEY } from './form.ts';

const ECHO = fileURLToPath(new URL('../mcp/echo.ts', import.meta.url));
const READY = /^holdfast ready (\S+)$/m;
const READY_MS = 60_000;
/** More than any row opens at a time. */
const MAX_CONCURRENCY = 2_000;

export type HoldfastProcess = {
  pid: number;
  /** Resolves with the address when it says that it is ready; asked for at once. A worker says nothing. */
  ready(): Promise<string>;
  stop(): Promise<void>;
};

/** Spawns `holdfast <command>`, which finds a route `wire` to the provider beside the demo route. */
export function spawnHoldfast(
  command: 'start' | 'api' | 'worker',
  options: { directory: string; providerUrl: string; env: Record<string, string> },
): HoldfastProcess {
  const config = join(options.directory, 'holdfast.yaml');
  writeFileSync(config, configFor(options.providerUrl));
  const child = spawn(process.execPath, [MAIN, command], {
    env: {
      ...environmentOfOthers(),
      HOLDFAST_PORT: '0',
      HOLDFAST_DATA_DIR: options.directory,
      HOLDFAST_CONFIG: config,
      HOLDFAST_API_KEY: KEY,
      HOLDFAST_LOG: 'error',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endsWithUs(child);
  const ready = () =>
    new Promise<string>((resolve, reject) => {
      let said = '';
      const timer = setTimeout(
        () => reject(new Error(`holdfast ${command} was not ready within ${READY_MS} ms`)),
        READY_MS,
      );
      child.stdout.on('data', (data: Buffer) => {
        said += data;
        const url = READY.exec(said)?.[1];
        if (url === undefined) return;
        clearTimeout(timer);
        resolve(url);
      });
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`holdfast ${command} ended with code ${code}`));
      });
    });
  return { pid: child.pid ?? -1, ready, stop: () => end(child, () => child.kill('SIGTERM')) };
}

/** The demo model, a route `wire` to the provider, and a persona `tools` that has a tool which costs nothing. JSON is YAML. */
function configFor(providerUrl: string): string {
  return JSON.stringify({
    routes: [
      { id: 'demo', provider: 'demo' },
      {
        ...{ id: 'wire', provider: 'openai-compatible', model: 'bench' },
        ...{ base_url: providerUrl, max_concurrency: MAX_CONCURRENCY },
      },
    ],
    default_persona: 'plain',
    personas: [
      { key: 'plain', route: 'demo', tools: ['ask_user'] },
      { key: 'tools', route: 'demo', tools: ['echo/*'], approval: { 'echo/*': 'never' } },
    ],
    tools: { 'echo/brief': { timeout_s: 2 } },
    mcp: { echo: { command: process.execPath, args: [ECHO] } },
  });
}
