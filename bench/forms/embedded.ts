/** `holdfast start`: one process, SQLite, a Temporal server beside it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTemporalCli } from '../../src/temporal/local-server/index.ts';
import { type Form, type Holdfast, KEY, type StartOptions } from './form.ts';
import { spawnHoldfast } from './holdfast-process.ts';

/** Where its Temporal servers begin to look for a free port. */
const TEMPORAL_PORT = 27_233;
const TEMPORAL_UI_PORT = 28_233;

/**
 * Data directories are made below `directory`, which is the caller's to remove. A machine without a Temporal server gets one first: a
 * start that builds it, for minutes, is not what is measured.
 */
export async function embedded({ directory, providerUrl }: { directory: string; providerUrl: string }): Promise<Form> {
  await findTemporalCli({ onProgress: (line) => console.error(`bench: ${line}`) });
  let directories = 0;
  return {
    name: 'embedded',
    async start({ store, commitDelayMs }: StartOptions): Promise<Holdfast> {
      const dataDir = store ?? join(directory, String(++directories));
      mkdirSync(dataDir, { recursive: true });
      const began = performance.now();
      const server = spawnHoldfast('start', {
        ...{ directory: dataDir, providerUrl },
        env: {
          HOLDFAST_TEMPORAL_PORT: String(TEMPORAL_PORT),
          HOLDFAST_TEMPORAL_UI_PORT: String(TEMPORAL_UI_PORT),
          ...(commitDelayMs ? { HOLDFAST_BENCH_COMMIT_DELAY_MS: String(commitDelayMs) } : {}),
        },
      });
      const url = await server.ready().catch(async (error: unknown) => {
        await server.stop();
        throw error;
      });
      const startMs = performance.now() - began;
      const temporal = JSON.parse(readFileSync(join(dataDir, 'temporal.json'), 'utf8')) as {
        port: number;
        pid: number;
      };
      return {
        ...{ url, key: KEY, store: dataDir, startMs },
        temporalAddress: `127.0.0.1:${temporal.port}`,
        pids: { api: server.pid, worker: server.pid, temporal: temporal.pid },
        stop: server.stop,
      };
    },
    close: async () => undefined,
  };
}
