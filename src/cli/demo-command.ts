import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { HoldfastClient } from '../client/holdfast-client.ts';
import { readEnvironment } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import { nextFreePort } from '../temporal/local-server/free-port.ts';
import { checkDemoRun, playDemoRun } from './demo-run.ts';
import { type DemoServer, startDemoServer } from './demo-server.ts';
import { readKeyFile } from './find-server.ts';
import { createEventPrinter } from './print-events.ts';
import { processTerminal, type Terminal, wantsColor } from './terminal.ts';

/** The first start may have to build a Temporal server from source. */
const FIRST_READY_TIMEOUT_MS = 45 * 60_000;
const RESTART_READY_TIMEOUT_MS = 60_000;
/** From the first ready server to the checked end of the run: some 10 s when all is well. */
const DEMO_TIMEOUT_MS = 180_000;

const MAIN = join(import.meta.dirname, '../../bin/holdfast.mjs');

/** The demo's server has a configuration of its own: it works beside any holdfast.yaml. */
const DEMO_CONFIG = `# Written by \`holdfast demo\` at each start.
routes:
  - { id: demo, provider: demo }
personas:
  - { key: assistant, route: demo, instructions: You are helpful., tools: [ask_user] }
`;

/** Variables that would take the demo away from its own data directory. */
const NOT_FOR_THE_DEMO = /^(DATABASE_URL|HOLDFAST_API_KEY|TEMPORAL_(ADDRESS|NAMESPACE|API_KEY|TLS.*))$/;

/** `holdfast demo`: the main job on a machine of one's own, including the crash. `main` is the file that is started. */
export function addDemoCommand(program: Command, terminal: Terminal = processTerminal(), main: string = MAIN): void {
  program
    .command('demo')
    .description(
      'See a run survive the death of its server.\n\n' +
        'Starts a server of its own (API, worker, local Temporal server) and one run that streams, uses a tool, asks ' +
        'its human and is answered. In the middle of its long text the whole server, Temporal included, is killed with ' +
        'SIGKILL and started again on the same data; the client resumes after the last event it saw. Every event is ' +
        'printed as it arrives. Exit code 0 only if the run completed and its events have no gap.\n\n' +
        'No key is needed: the model is the built-in demo model. The data stays in <HOLDFAST_DATA_DIR or .holdfast>/demo.',
    )
    .addHelpText('after', '\nExamples:\n  $ holdfast demo\n  $ HOLDFAST_DATA_DIR=/tmp/holdfast holdfast demo')
    .action(() => demo(terminal, main));
}

async function demo(terminal: Terminal, main: string): Promise<void> {
  const printer = createEventPrinter(
    terminal.stdout,
    terminal.stdout.isTTY ? 'inline' : 'lines',
    wantsColor(terminal, terminal.stdout),
  );
  const say = (line: string) => printer.say(`── ${line}`);
  const stopped = new AbortController();
  const stopAll = () => stopped.abort(new HoldfastError('demo.stopped', 'the demo was stopped'));
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, stopAll);

  const { dataDir, env } = await prepare(terminal);
  const start = (readyTimeoutMs: number, signal: AbortSignal) =>
    startDemoServer({ command: [main, 'start'], env, dataDir, readyTimeoutMs, signal });
  let server: DemoServer | undefined;
  try {
    await say(`starting a server on ${dataDir}; the first time, its Temporal server may have to be fetched or built`);
    server = await start(FIRST_READY_TIMEOUT_MS, stopped.signal);
    const { baseUrl } = server;
    await say(`ready: ${baseUrl}`);
    const client = new HoldfastClient({ baseUrl, apiKey: readKeyFile(join(dataDir, 'api-key')) });
    const signal = AbortSignal.any([stopped.signal, timeout()]);
    const killAndRestart = async () => {
      const killed = server;
      if (!killed) return;
      server = undefined;
      await say('in mid-stream: SIGKILL for the whole server, its Temporal server included');
      const pids = await killed.kill();
      await say(`KILLED: processes ${pids.join(' and ')}; now the same data directory is started again`);
      server = await start(RESTART_READY_TIMEOUT_MS, signal);
      await say(`ready again: ${server.baseUrl}`);
    };
    const { runId, seen } = await playDemoRun({ client, printer, say, killAndRestart, signal });
    for (const words of await checkDemoRun(client, runId, seen)) await say(`✓ ${words}`);
    await say(`the run stays to be looked at: HOLDFAST_DATA_DIR=${dataDir} npm start`);
  } finally {
    await printer.end();
    await server?.stop();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, stopAll);
  }
}

/** The demo's directory with its configuration, and the environment of its server. */
async function prepare(terminal: Terminal): Promise<{ dataDir: string; env: NodeJS.ProcessEnv }> {
  const asked = readEnvironment(terminal.env, terminal.cwd);
  const dataDir = join(asked.dataDir, 'demo');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const config = join(dataDir, 'holdfast.yaml');
  await writeFile(config, DEMO_CONFIG);
  // Fixed here, so that the server that is started again is found where its predecessor was.
  const port = await nextFreePort(asked.port || 7370);
  const temporalPort = await nextFreePort(asked.localPort || 7233, [port]);
  const uiPort = await nextFreePort(asked.localUiPort || 8233, [port, temporalPort]);
  const inherited = Object.entries(terminal.env).filter(([name]) => !NOT_FOR_THE_DEMO.test(name));
  return {
    dataDir,
    env: {
      ...Object.fromEntries(inherited),
      HOLDFAST_DATA_DIR: dataDir,
      HOLDFAST_CONFIG: config,
      HOLDFAST_HOST: '127.0.0.1',
      HOLDFAST_PORT: String(port),
      HOLDFAST_TEMPORAL_PORT: String(temporalPort),
      HOLDFAST_TEMPORAL_UI_PORT: String(uiPort),
      HOLDFAST_LOG: terminal.env.HOLDFAST_LOG || 'warn',
    },
  };
}

function timeout(): AbortSignal {
  const late = new AbortController();
  const error = new HoldfastError('demo.failed', `the run did not end within ${DEMO_TIMEOUT_MS / 1000} s`);
  setTimeout(() => late.abort(error), DEMO_TIMEOUT_MS).unref();
  return late.signal;
}
