import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { defineSearchAttributeKey } from '@temporalio/common';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { TemporalCli } from './find-cli.ts';
import {
  cleanUp,
  cliForTests,
  FIND_TIMEOUT_MS,
  killServer,
  startOptions,
  until,
  withClient,
} from './local-server.fixture.ts';
import { isAlive } from './process-identity.ts';
import { LOCAL_RETENTION_S, LOCAL_SEARCH_ATTRIBUTES } from './server-settings.ts';
import { startLocalTemporal } from './start-server.ts';

let cli: TemporalCli;
beforeAll(async () => {
  cli = await cliForTests();
}, FIND_TIMEOUT_MS);
afterEach(cleanUp);

const startRun = (address: string, workflowId: string) =>
  withClient(address, (client) =>
    client.workflow.start('neverServed', {
      workflowId,
      taskQueue: 'nobody',
      typedSearchAttributes: LOCAL_SEARCH_ATTRIBUTES.map((name) => ({
        key: defineSearchAttributeKey(name, 'KEYWORD'),
        value: `${name} of ${workflowId}`,
      })),
    }),
  );

const statusOf = (address: string, workflowId: string) =>
  withClient(address, async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name);

test('a new server keeps closed runs for 30 days, takes our search attributes at once and ends when told', async () => {
  const options = await startOptions(cli);
  const server = await startLocalTemporal(options);
  expect(server).toMatchObject({ adopted: false, port: options.port, uiPort: options.uiPort });
  await startRun(server.address, 'first');
  await withClient(server.address, async (client) => {
    const { config } = await client.workflowService.describeNamespace({ namespace: 'default' });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(LOCAL_RETENTION_S);
    await until(
      async () => (await client.workflow.count("HoldfastOrg = 'HoldfastOrg of first'")).count === 1,
      'the run in the list by its search attribute',
    );
  });
  expect((await fetch(server.uiUrl)).status).toBe(200);
  await server.stop();
  expect(await isAlive(server.pid)).toBe(false);
  expect(await server.exited).toMatchObject({ expected: true });
  await expect(readFile(join(options.dataDir, 'temporal.json'))).rejects.toThrow('ENOENT');
});

test('a namespace of its own is made and prepared too', async () => {
  const server = await startLocalTemporal({ ...(await startOptions(cli)), namespace: 'agents' });
  await withClient(server.address, async (client) => {
    const { config } = await client.workflowService.describeNamespace({ namespace: 'agents' });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(LOCAL_RETENTION_S);
  });
  await server.stop();
});

test('a search attribute that an existing database lacks is added', async () => {
  const options = await startOptions(cli);
  await (await startLocalTemporal({ ...options, searchAttributes: ['HoldfastOrg'] })).stop();
  const server = await startLocalTemporal(options);
  await startRun(server.address, 'later');
  await server.stop();
});

test('taken ports: the next free ones, and a line in the log for each', async () => {
  const options = await startOptions(cli);
  const taken = [options.port ?? 0, options.uiPort ?? 0].map((port) => createServer().listen(port, '127.0.0.1'));
  await until(() => taken.every((server) => server.listening), 'the ports to be taken');
  const server = await startLocalTemporal(options);
  expect(server.port).toBeGreaterThan(options.uiPort ?? 0);
  expect(server.uiPort).toBeGreaterThan(server.port);
  expect(options.lines).toContain(`warn port ${options.port} is taken; Temporal listens on ${server.port}`);
  expect(options.lines).toContain(`warn port ${options.uiPort} is taken; the Web UI is on ${server.uiPort}`);
  await server.stop();
  for (const socket of taken) socket.close();
});

test('a server that ends while starting is an error at once, with the last lines of its log', async () => {
  const options = await startOptions(cli);
  await (await startLocalTemporal(options)).stop();
  await rm(join(options.dataDir, 'temporal.db-wal'));
  await writeFile(join(options.dataDir, 'temporal.db'), 'not a database '.repeat(1_000));
  const started = performance.now();
  await expect(startLocalTemporal(options)).rejects.toMatchObject({
    code: 'temporal.start_failed',
    message: expect.stringMatching(/exit code 1[\s\S]*temporal\.log:\n[\s\S]*file is not a database/),
  });
  // A start that does not see its server end gives up after 30 s.
  expect(performance.now() - started).toBeLessThan(15_000);
  await expect(readFile(join(options.dataDir, 'temporal.json'))).rejects.toThrow('ENOENT');
});

test('an executable that is not there is an error that names it', async () => {
  const options = await startOptions({ path: '/nowhere/temporal', version: '0' });
  await expect(startLocalTemporal(options)).rejects.toThrow(/\/nowhere\/temporal.*ENOENT/);
});

test('after SIGKILL of the server the next start finds the same runs', async () => {
  const options = await startOptions(cli);
  const first = await startLocalTemporal(options);
  await startRun(first.address, 'survivor');
  await killServer(first.pid);
  expect(await first.exited).toEqual({ expected: false, how: 'SIGKILL' });
  const second = await startLocalTemporal(options);
  expect(second).toMatchObject({ adopted: false, port: first.port });
  expect(await statusOf(second.address, 'survivor')).toBe('RUNNING');
  await second.stop();
});

test('a database whose creation was cut short is set aside', async () => {
  const options = await startOptions(cli);
  await (await startLocalTemporal(options)).stop();
  await writeFile(join(options.dataDir, 'temporal.db'), '');
  await expect(startLocalTemporal(options)).rejects.toMatchObject({ code: 'temporal.start_failed' });
  await writeFile(join(options.dataDir, 'temporal.db.unfinished'), '');
  const server = await startLocalTemporal(options);
  await startRun(server.address, 'anew');
  await server.stop();
});

test('a start that is called off ends its server', async () => {
  const options = await startOptions(cli);
  const calledOff = new AbortController();
  const starting = startLocalTemporal({ ...options, signal: calledOff.signal });
  const outcome = expect(starting).rejects.toMatchObject({ code: 'temporal.not_ready' });
  const state = join(options.dataDir, 'temporal.json');
  await until(() => readFile(state).then(Boolean, () => false), 'the server to be under way');
  const { pid } = JSON.parse(await readFile(state, 'utf8')) as { pid: number };
  calledOff.abort();
  await outcome;
  expect(await isAlive(pid)).toBe(false);
});
