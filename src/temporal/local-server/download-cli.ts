import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ObtainOptions, placeInCache } from './cached-binary.ts';
import { sizeOf } from './size-of.ts';

/** The whole download: 50 MB compressed over a slow line. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;
/** A network that swallows packets refuses nothing: no new byte for this long is a refusal too. */
const DOWNLOAD_STALL_MS = 20_000;
const PROGRESS_EVERY_MS = 2_000;
const ERROR_CHARACTERS = 400;
const FETCH_SCRIPT = fileURLToPath(new URL('./fetch-cli.ts', import.meta.url));

export interface DownloadOptions extends ObtainOptions {
  stallMs?: number;
}

/**
 * Downloads the CLI through `@temporalio/testing` into `target` and returns its version. A refused network fails within a
 * second, a silent one after DOWNLOAD_STALL_MS. Throws a plain Error whose first line says why.
 */
export async function downloadTemporalCli(options: DownloadOptions): Promise<string> {
  options.onProgress('downloading Temporal server (once) …');
  return placeInCache(options.target, async (directory) => {
    await fetchInto(directory, options);
    const name = (await readdir(directory)).find(
      (file) => file.startsWith('temporal-') && !file.endsWith('.downloading'),
    );
    if (!name) throw new Error('the download left no binary');
    return join(directory, name);
  });
}

/**
 * In a process of its own: the SDK's native download cannot be called off, and it would install the SDK's runtime with its
 * signal handlers in ours. Its own group, because the SDK starts the downloaded server once: ending the group ends both.
 */
function fetchInto(
  directory: string,
  { env, onProgress, stallMs = DOWNLOAD_STALL_MS }: DownloadOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [FETCH_SCRIPT, directory], {
      env,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10 * ERROR_CHARACTERS);
    });
    let cutOff: string | undefined;
    const stopWatching = watchProgress(directory, stallMs, onProgress, (why) => {
      cutOff = why;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    });
    const end = (error: Error | undefined): void => {
      stopWatching();
      if (error) reject(error);
      else resolve();
    };
    child.once('error', end);
    child.once('close', (code) => {
      if (code === 0) end(undefined);
      else end(new Error(cutOff ?? (said.trim().slice(0, ERROR_CHARACTERS) || `the download ended with code ${code}`)));
    });
  });
}

function watchProgress(
  directory: string,
  stallMs: number,
  onProgress: (line: string) => void,
  giveUp: (why: string) => void,
): () => void {
  const started = performance.now();
  let bytes = 0;
  let lastProgress = started;
  let looking = false;
  const look = async (): Promise<void> => {
    const size = await bytesIn(directory);
    const at = performance.now();
    if (size > bytes) {
      bytes = size;
      lastProgress = at;
      onProgress(`downloading Temporal server (once) … ${Math.round(size / 1e6)} MB`);
    }
    if (at - lastProgress >= stallMs) giveUp(`no byte from temporal.download for ${stallMs / 1000} s`);
    else if (at - started >= DOWNLOAD_TIMEOUT_MS) giveUp(`not complete after ${DOWNLOAD_TIMEOUT_MS / 1000} s`);
  };
  const timer = setInterval(
    () => {
      if (looking) return;
      looking = true;
      look()
        .catch((error: unknown) => giveUp(`cannot watch ${directory}: ${String(error)}`))
        .finally(() => {
          looking = false;
        });
    },
    Math.min(PROGRESS_EVERY_MS, stallMs),
  );
  return () => clearInterval(timer);
}

async function bytesIn(directory: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(directory)) {
    sum += await sizeOf(join(directory, name));
  }
  return sum;
}
