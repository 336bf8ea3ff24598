import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { TemporalCli } from './find-cli.ts';
import {
  cleanUp,
  cliForTests,
  FIND_TIMEOUT_MS,
  firstLineOf,
  killServer,
  spawnOwn,
  startOptions,
  withClient,
} from './local-server.fixture.ts';
import type { StartOptions } from './local-temporal.ts';
import { isAlive, processStart } from './process-identity.ts';
import { startLocalTemporal } from './start-server.ts';

let cli: TemporalCli;
beforeAll(async () => {
  cli = await cliForTests();
}, FIND_TIMEOUT_MS);
afterEach(cleanUp);

interface LeftBehind {
  pid: number;
  port: number;
  address: string;
}

/** A process like Holdfast starts the server and a run, then is killed with SIGKILL; the server stays. */
async function leaveServerBehind({ dataDir, port, uiPort }: StartOptions): Promise<LeftBehind> {
  const module = new URL('./start-server.ts', import.meta.url).href;
  const options = JSON.stringify({ dataDir, port, uiPort, cli });
  const script = `
    const { startLocalTemporal } = await import(${JSON.stringify(module)});
    const log = { info() {}, warn() {}, error() {} };
    const { pid, port, address } = await startLocalTemporal({ ...${options}, log });
    console.log(JSON.stringify({ pid, port, address }));
    setInterval(() => {}, 1000);`;
  const parent = await spawnOwn(process.execPath, ['--input-type=module', '-e', script]);
  const left = JSON.parse(await firstLineOf(parent)) as LeftBehind;
  await withClient(left.address, (client) =>
    client.workflow.start('neverServed', { workflowId: 'left', taskQueue: 'nobody' }),
  );
  const gone = once(parent, 'exit');
  parent.kill('SIGKILL');
  await gone;
  expect(await isAlive(left.pid)).toBe(true);
  return left;
}

const expectTheRun = (address: string) =>
  withClient(address, async (client) => {
    expect((await client.workflow.getHandle('left').describe()).status.name).toBe('RUNNING');
  });

test('a server whose Holdfast was killed is adopted: same process, same address, same runs', async () => {
  const options = await startOptions(cli);
  const left = await leaveServerBehind(options);
  const server = await startLocalTemporal({ ...options, port: (options.port ?? 0) + 100 });
  expect(server).toMatchObject({ adopted: true, pid: left.pid, port: left.port, address: left.address });
  await expectTheRun(server.address);
  await server.stop();
  expect(await isAlive(left.pid)).toBe(false);
  expect(await server.exited).toMatchObject({ expected: true });
});

test('the end of an adopted server is noticed', async () => {
  const options = await startOptions(cli);
  await leaveServerBehind(options);
  const server = await startLocalTemporal(options);
  await killServer(server.pid);
  expect(await server.exited).toMatchObject({ expected: false });
});

test('Holdfast and server both killed: the next start is a new server with the same runs', async () => {
  const options = await startOptions(cli);
  const left = await leaveServerBehind(options);
  await killServer(left.pid);
  const server = await startLocalTemporal(options);
  expect(server).toMatchObject({ adopted: false, port: left.port });
  await expectTheRun(server.address);
  await server.stop();
});

test('a state file whose pid belongs to another process is no obstacle, and that process is left alone', async () => {
  const options = await startOptions(cli);
  const left = await leaveServerBehind(options);
  await killServer(left.pid);
  const stranger = await spawnOwn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const file = join(options.dataDir, 'temporal.json');
  const state = JSON.parse(await readFile(file, 'utf8')) as object;
  for (const stale of [{ pid: stranger.pid }, { pid: stranger.pid, processStart: await processStart(stranger.pid) }]) {
    await writeFile(file, JSON.stringify({ ...state, ...stale }));
    const server = await startLocalTemporal(options);
    expect(server.adopted).toBe(false);
    await server.stop();
    expect(await isAlive(stranger.pid)).toBe(true);
  }
});

test('a state file that is no state file is no obstacle', async () => {
  const options = await startOptions(cli);
  await (await startLocalTemporal(options)).stop();
  await writeFile(join(options.dataDir, 'temporal.json'), '{"pid": 1');
  const server = await startLocalTemporal(options);
  expect(server.adopted).toBe(false);
  await server.stop();
});

test('a server on our database without a state file is ended: never two on one database', async () => {
  const options = await startOptions(cli);
  const left = await leaveServerBehind(options);
  await rm(join(options.dataDir, 'temporal.json'));
  const server = await startLocalTemporal(options);
  expect(server).toMatchObject({ adopted: false, port: left.port });
  expect(await isAlive(left.pid)).toBe(false);
  await expectTheRun(server.address);
  await server.stop();
});

test('a server left behind that does not answer is ended and replaced', { timeout: 60_000 }, async () => {
  const options = await startOptions(cli);
  const left = await leaveServerBehind(options);
  process.kill(left.pid, 'SIGSTOP');
  const server = await startLocalTemporal(options);
  expect(server).toMatchObject({ adopted: false, port: left.port });
  expect(await isAlive(left.pid)).toBe(false);
  await expectTheRun(server.address);
  await server.stop();
});
