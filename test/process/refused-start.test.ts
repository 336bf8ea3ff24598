/** Starts that cannot be: one line that says what and where, exit 1, within seconds, and nobody else harmed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyAs } from '../support/later-version.ts';
import { type Env, type Finished, ownEnv, runHoldfast } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { postRun, watch } from './reader.ts';

/** One command alone has taken 9.6 s on a busy machine; a start that waited for what it lacks would wait for ever. */
const REFUSED_WITHIN_MS = 60_000;

const directory = temporaryDirectory();
afterAll(() => directory.remove());

let directories = 0;
/** Runs `holdfast <command>` in a directory of its own, with that holdfast.yaml. */
function attempt(command: string, { yaml, env = {} }: { yaml?: string; env?: Env } = {}): Promise<Finished> {
  const cwd = join(directory.path, String(directories++));
  mkdirSync(cwd);
  if (yaml !== undefined) writeFileSync(join(cwd, 'holdfast.yaml'), yaml);
  return runHoldfast([command], { cwd, env: { ...ownEnv(join(cwd, 'data')), HOLDFAST_LOG: 'error', ...env } });
}

/** The one line on standard error of a start that was refused. */
function refusal({ code, stdout, stderr, ms }: Finished): string {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(ms).toBeLessThan(REFUSED_WITHIN_MS);
  expect(stderr.trimEnd().split('\n'), stderr).toHaveLength(1);
  return stderr.trimEnd();
}

describe('a second start on a data directory', () => {
  let first: TestServer;
  beforeAll(async () => {
    first = await startServer();
  });
  afterAll(async () => {
    await first.close();
  });

  it('says so, and leaves the first one and its runs unharmed', async () => {
    const run = await postRun(first, '/stream chunks=200 delay_ms=20');
    const reader = await watch(first, run.run_id);
    await reader.untilType('message.delta');
    const temporal = await first.temporalPid();
    const line = refusal(await attempt('start', { env: { HOLDFAST_DATA_DIR: first.dataDir } }));
    expect(line).toContain(`process ${first.pid}`);
    expect(line).toContain(`runs on the data directory ${first.dataDir}`);
    expect(await first.temporalPid()).toBe(temporal);
    await reader.untilClosed();
    expect(reader.events.filter((event) => event.type === 'message.reset')).toEqual([]);
    expect(reader.events.at(-1)?.type).toBe('run.completed');
    expect((await first.request('GET', '/readyz')).status).toBe(200);
  });

  it('does not take the first one’s place even when both ask for one port', async () => {
    const env = { HOLDFAST_DATA_DIR: first.dataDir, HOLDFAST_PORT: new URL(first.url).port };
    expect(refusal(await attempt('start', { env }))).toContain('data_dir.in_use');
    expect((await first.request('GET', '/healthz')).status).toBe(200);
  });
});

describe('a start', () => {
  it('on a busy port names address and port', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const line = refusal(await attempt('start', { env: { HOLDFAST_PORT: String(port) } }));
    expect(line).toContain(`127.0.0.1:${port}`);
    expect(line).toContain('http.port_in_use');
    other.close();
  });

  it('on taken Temporal ports takes the next free ones', async () => {
    const taken = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    await using server = await startServer({ env: { HOLDFAST_TEMPORAL_PORT: String(port) } });
    await until(async () => (await server.request('GET', '/readyz')).status === 200, '/readyz says 200');
    taken.close();
  });

  it.each([
    { wrong: 'an unknown key', yaml: 'routes:\n  - id: demo\n    provider: demo\n    colour: red\n', at: ':4' },
    { wrong: 'an unknown provider', yaml: 'routes:\n  - { id: a, provider: acme }\n', at: ':2' },
    {
      wrong: 'two routes of one id',
      yaml: 'routes:\n  - { id: a, provider: demo }\n  - { id: a, provider: demo }\n',
      at: ':3',
    },
    {
      wrong: 'a variable that is not set',
      yaml: `routes:\n  - id: a\n    provider: openai\n    model: m\n    api_key: ${'$'}{NOT_SET_ANYWHERE}\n`,
      at: ':5',
    },
    { wrong: 'no YAML', yaml: 'routes: [\n', at: ':' },
    { wrong: 'a persona on no route', yaml: 'personas:\n  - { key: p, route: nowhere }\n', at: ':2' },
  ])('with $wrong in holdfast.yaml names file and line', async ({ yaml, at }) => {
    const line = refusal(await attempt('start', { yaml }));
    expect(line).toContain(`holdfast.yaml${at}`);
    expect(line).toContain('config.invalid');
  });

  it.each([
    { env: { HOLDFAST_PORT: 'http' }, says: 'HOLDFAST_PORT' },
    { env: { HOLDFAST_API_KEY: 'short' }, says: 'HOLDFAST_API_KEY' },
    { env: { HOLDFAST_LOG: 'loud' }, says: 'HOLDFAST_LOG' },
    { env: { HOLDFAST_CONFIG: 'nowhere.yaml' }, says: 'nowhere.yaml' },
    { env: { HOLDFAST_DATA_DIR: '/dev/null/data' }, says: '/dev/null/data' },
  ])('with $env names what is wrong', async ({ env, says }) => {
    const line = refusal(await attempt('start', { env: env as unknown as Env }));
    expect(line).toContain(says);
    expect(line).not.toContain('short"');
  });

  it('on a database that is none says which', async () => {
    const cwd = join(directory.path, 'broken');
    mkdirSync(join(cwd, 'data'), { recursive: true });
    writeFileSync(join(cwd, 'data', 'holdfast.db'), 'this is no database, whatever it is called.'.repeat(100));
    const line = refusal(
      await runHoldfast(['start'], { cwd, env: { ...ownEnv(join(cwd, 'data')), HOLDFAST_LOG: 'error' } }),
    );
    expect(line).toContain('holdfast.db');
  });

  it('of a version whose workflow code cannot be bundled says so before it serves', async () => {
    const broken = copyAs('0.1.1');
    broken.change('workflows/agent-run.ts', '  async function turn() {', '  async function turn( {');
    const cwd = join(directory.path, 'no-workflow');
    mkdirSync(cwd);
    const { main } = broken;
    const { code, stdout, stderr } = await runHoldfast(['start'], { cwd, env: ownEnv(join(cwd, 'data')), main });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trimEnd().split('\n').at(-1)).toContain('workflows.unusable');
    broken.remove();
  });
});

it.each(['api', 'worker'])('%s without DATABASE_URL says why', async (command) => {
  expect(refusal(await attempt(command))).toContain('DATABASE_URL');
});
