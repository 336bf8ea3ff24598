/** Plays one example from the start of its server to its end. */
import { mkdir, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { startDemoServer } from '../src/cli/demo-server.ts';
import { readKeyFile } from '../src/cli/find-server.ts';
import type { Terminal } from '../src/cli/terminal.ts';
import { readEnvironment } from '../src/config.ts';
import { HoldfastError } from '../src/errors.ts';
import { openApi } from './api.ts';
import { type Play, play, type Stream } from './stage.ts';

export type Example = {
  /** Its folder beside this file, with its holdfast.yaml. */
  name: string;
  play: Play;
};

/** The first start may have to build a Temporal server from source. */
const READY_TIMEOUT_MS = 45 * 60_000;
/** From the ready server to the end of the last run: a few seconds when all is well. */
const PLAY_TIMEOUT_MS = 120_000;

/** Variables that would take the example away from its own server. */
const NOT_FOR_EXAMPLES = /^(DATABASE_URL|HOLDFAST_API_KEY|TEMPORAL_(ADDRESS|NAMESPACE|API_KEY|TLS.*))$/;

/**
 * Starts a server with the example's configuration, plays its client, ends the server, and gives the streams that were seen.
 * Errors: `demo.not_ready`, and those of `play`; nothing is left running then.
 */
export async function runExample(example: Example, terminal: Terminal, stop: AbortSignal): Promise<Stream[]> {
  const { dataDir } = readEnvironment(terminal.env, terminal.cwd);
  const own = join(dataDir, 'examples', example.name);
  const directory = join(own, 'files');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });

  const say = (line: string) => void terminal.stdout.write(`── ${line}\n`);
  say(`starting a server on ${own}; the first time, its Temporal server may have to be fetched or built`);
  const server = await startDemoServer({
    command: [join(import.meta.dirname, '../bin/holdfast.mjs'), 'start'],
    env: environment(terminal.env, example.name, own, directory),
    dataDir: own,
    readyTimeoutMs: READY_TIMEOUT_MS,
    signal: stop,
  });
  try {
    say(`ready: ${server.baseUrl}`);
    const api = openApi({ baseUrl: server.baseUrl, apiKey: readKeyFile(join(own, 'api-key')) });
    const streams = await play(example.play, {
      api,
      directory,
      terminal,
      signal: AbortSignal.any([stop, late()]),
    });
    say(`the runs stay to be looked at: HOLDFAST_DATA_DIR=${own} npm start`);
    return streams;
  } finally {
    await server.stop();
  }
}

function environment(env: NodeJS.ProcessEnv, name: string, own: string, directory: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([variable]) => !NOT_FOR_EXAMPLES.test(variable));
  return {
    ...Object.fromEntries(inherited),
    // The `node` of the MCP servers in a holdfast.yaml is the one that runs this.
    PATH: [dirname(process.execPath), env.PATH ?? ''].join(delimiter),
    EXAMPLE_DIR: directory,
    HOLDFAST_CONFIG: join(import.meta.dirname, name, 'holdfast.yaml'),
    HOLDFAST_DATA_DIR: own,
    HOLDFAST_HOST: '127.0.0.1',
    HOLDFAST_PORT: '0',
    HOLDFAST_LOG: env.HOLDFAST_LOG || 'warn',
  };
}

function late(): AbortSignal {
  const ended = new AbortController();
  const error = new HoldfastError('example.failed', `it did not end within ${PLAY_TIMEOUT_MS / 1000} s`);
  setTimeout(() => ended.abort(error), PLAY_TIMEOUT_MS).unref();
  return ended.signal;
}
