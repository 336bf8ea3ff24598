import { createServer } from 'node:net';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { TemporalCli } from './find-cli.ts';
import { isListening } from './free-port.ts';
import { localTemporal } from './index.ts';
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

let cli: TemporalCli;
beforeAll(async () => {
  cli = await cliForTests();
}, FIND_TIMEOUT_MS);
afterEach(cleanUp);

test('a server that is killed again and again comes back on the same port with its runs', async () => {
  const options = await startOptions(cli);
  const server = await localTemporal(options);
  const { address } = server;
  await withClient(address, (client) =>
    client.workflow.start('neverServed', { workflowId: 'kept', taskQueue: 'nobody' }),
  );
  for (let kill = 1; kill <= 3; kill++) {
    const { pid } = server;
    await killServer(pid);
    const killed = performance.now();
    await until(() => server.pid !== pid, 'a new server');
    console.log(`ready again ${Math.round(performance.now() - killed)} ms after kill ${kill}`);
    expect(server.address).toBe(address);
    await withClient(address, async (client) => {
      expect((await client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
    });
    expect(options.lines.filter((line) => line === 'warn Temporal server ended; starting it again')).toHaveLength(kill);
  }
  await server.stop();
  expect(await server.exited).toMatchObject({ expected: true });
  expect(await isAlive(server.pid)).toBe(false);
  expect(await isListening(server.port)).toBe(false);
});

test('while the port is held by another process it waits, and serves there once it is free', async () => {
  const options = await startOptions(cli);
  const server = await localTemporal(options);
  const { pid, port } = server;
  const thief = createServer();
  // Until the killed server has let go; not at once, which would starve the event loop.
  thief.on('error', () => setImmediate(() => thief.listen(port, '127.0.0.1')));
  thief.listen(port, '127.0.0.1');
  await killServer(pid);
  await until(
    () => options.lines.filter((line) => line.endsWith('starting it again')).length >= 3,
    'two failed restarts',
  );
  expect(server.pid).toBe(pid);
  thief.close();
  await until(() => server.pid !== pid, 'a new server');
  expect(server.port).toBe(port);
  await server.stop();
});

test('stop during a restart leaves no server behind', async () => {
  const options = await startOptions(cli);
  const server = await localTemporal(options);
  await killServer(server.pid);
  await until(() => options.lines.some((line) => line.endsWith('starting it again')), 'a restart to begin');
  await server.stop();
  expect(await server.exited).toMatchObject({ expected: true });
  expect(await isListening(server.port)).toBe(false);
});
