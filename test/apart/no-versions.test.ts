/** A Temporal server that has no worker versions, or forbids their use: workers run without them, and say so. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findTemporalCli } from '../../src/temporal/local-server/find-cli.ts';
import { startArguments } from '../../src/temporal/local-server/server-settings.ts';
import { postRun, wholeStory } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { randomPort } from '../support/run-holdfast.ts';
import type { TestServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let temporal: ReturnType<typeof spawn>;
let cluster: Cluster;
const directory = temporaryDirectory();
beforeAll(async () => {
  const port = randomPort(20_000);
  const settings = {
    ...{ port, uiPort: randomPort(26_000), dbFile: join(directory.path, 'temporal.db') },
    ...{ namespace: 'default', searchAttributes: [] },
  };
  const off = ['--dynamic-config-value', 'system.enableDeploymentVersions=false'];
  const { path } = await findTemporalCli();
  temporal = spawn(path, [...startArguments(settings), ...off], { stdio: 'ignore' });
  cluster = await openCluster({ apis: 1, workers: 1, env: { TEMPORAL_ADDRESS: `127.0.0.1:${port}` } });
});
afterAll(async () => {
  await cluster.close();
  temporal.kill('SIGKILL');
  await once(temporal, 'exit');
  directory.remove();
});

it('a run completes, and the worker says that it has no version', async () => {
  const [api] = cluster.apis as [TestServer];
  const { run_id } = await postRun(api, '/say Hello.');
  expect((await wholeStory(api, run_id)).events.at(-1)?.type).toBe('run.completed');
  expect(cluster.workers[0]?.stderr).toContain('the worker runs without a version');
});
