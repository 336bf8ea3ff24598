/** The command as it is released, as a child on a data directory and ports of its own. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { end } from './child.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const READY = /^holdfast ready (\S+)$/m;
const READY_MS = 60_000;
/** Where the local Temporal servers of benchmarks begin to look for a free port. */
const TEMPORAL_PORT = 27_233;
const TEMPORAL_UI_PORT = 28_233;
const KEY = 'bench-key-0123456789abcdef';

export type HoldfastServer = {
  url: string;
  key: string;
  /** Of its Temporal server. */
  temporalAddress: string;
  temporalVersion: string;
  /** From spawn to the line that says it is ready. */
  startMs: number;
  stop(): Promise<void>;
};

/** Starts `holdfast start` on a data directory, with a route `wire` to a provider at `providerUrl` beside the demo route. */
export async function startHoldfast(options: {
  dataDir: string;
  providerUrl: string;
  /** Added to each commit of the journal. */
  commitDelayMs?: number;
}): Promise<HoldfastServer> {
  mkdirSync(options.dataDir, { recursive: true });
  const config = join(options.dataDir, 'holdfast.yaml');
  writeFileSync(config, configFor(options.providerUrl));
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN, 'start'], {
    env: {
      ...environment(),
      HOLDFAST_PORT: '0',
      HOLDFAST_DATA_DIR: options.dataDir,
      HOLDFAST_CONFIG: config,
      HOLDFAST_API_KEY: KEY,
      HOLDFAST_LOG: 'error',
      HOLDFAST_TEMPORAL_PORT: String(TEMPORAL_PORT),
      HOLDFAST_TEMPORAL_UI_PORT: String(TEMPORAL_UI_PORT),
      ...(options.commitDelayMs ? { HOLDFAST_BENCH_COMMIT_DELAY_MS: String(options.commitDelayMs) } : {}),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const stop = () => end(child, () => child.kill('SIGTERM'));
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`holdfast was not ready within ${READY_MS} ms`)), READY_MS);
    child.stdout.on('data', (data: Buffer) => {
      said += data;
      const ready = READY.exec(said)?.[1];
      if (!ready) return;
      clearTimeout(timer);
      resolve(ready);
    });
    child.once('exit', (code) => reject(new Error(`holdfast start ended with code ${code}`)));
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const startMs = performance.now() - started;
  const temporal = JSON.parse(readFileSync(join(options.dataDir, 'temporal.json'), 'utf8')) as {
    port: number;
    version: string;
  };
  return {
    url,
    key: KEY,
    temporalAddress: `127.0.0.1:${temporal.port}`,
    temporalVersion: temporal.version,
    startMs,
    stop,
  };
}

function configFor(providerUrl: string): string {
  return [
    'routes:',
    '  - { id: demo, provider: demo }',
    `  - { id: wire, provider: openai-compatible, model: bench, base_url: "${providerUrl}", max_concurrency: 1000 }`,
    '',
  ].join('\n');
}

/** This process's environment without what would configure Holdfast otherwise. */
function environment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST_|TEMPORAL_|DATABASE_URL$)/.test(name));
  return Object.fromEntries(ours);
}
