/** Two APIs and two workers on one PostgreSQL and a Temporal cluster on the same server. */
import { randomText } from '../../../src/ids.ts';
import { startPostgres } from '../../support/postgres-server.ts';
import { randomPort } from '../../support/run-holdfast.ts';
import { TestServer } from '../../support/server.ts';
import { startTemporalCluster } from '../../support/temporal-cluster.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { startStubs } from './configuration.ts';
import type { Form, Victim } from './form.ts';
import { keepRunning } from './keep-running.ts';
import { serverVictim } from './server-victim.ts';

const API_PORTS = [1_024, 6_030];

export async function startApart(): Promise<Form> {
  const directory = temporaryDirectory();
  const stubs = await startStubs(directory.path, { provider: randomPort(9_000), tools: randomPort(14_000) });
  const postgres = await startPostgres();
  const temporal = await startTemporalCluster({ postgresUrl: postgres.url, prefix: 'chaos_' });
  const failedStarts: string[] = [];
  const supervisor = keepRunning(temporal, (why) => failedStarts.push(`Temporal did not start: ${why}`));
  const env = {
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    HOLDFAST_TASK_QUEUE: `chaos-${randomText(8)}`,
    HOLDFAST_CONFIG: stubs.config,
    HOLDFAST_LOG: 'warn',
  };
  const apis = API_PORTS.map(
    (from) => new TestServer({ command: 'api', env: { ...env, HOLDFAST_PORT: String(randomPort(from)) } }),
  );
  const workers = [1, 2].map(() => new TestServer({ command: 'worker', env }));
  for (const server of [...apis, ...workers]) await server.start();
  const ended: string[] = [];
  const named = (kind: string, weight: number, servers: TestServer[]) =>
    servers.map((server, i) => serverVictim(`${kind}-${i + 1}`, weight, server, (what) => ended.push(what)));
  const own = [...named('api', 2, apis), ...named('worker', 4, workers)];
  const temporalVictim: Victim = {
    ...{ name: 'temporal', weight: 2, kinds: ['kill', 'freeze'] },
    async kill() {
      supervisor.hold();
      await temporal.kill();
    },
    restart: async () => supervisor.letGo(),
    freeze: async () => void (temporal.isRunning && temporal.freeze()),
    thaw: async () => void (temporal.isRunning && temporal.thaw()),
  };
  const postgresVictim: Victim = {
    ...{ name: 'postgres', weight: 2, kinds: ['kill', 'freeze'] },
    ...{ kill: postgres.kill, restart: postgres.restart },
    freeze: async () => postgres.freeze(),
    thaw: async () => postgres.thaw(),
  };
  return {
    urls: apis.map(({ url }) => url),
    victims: [...own, temporalVictim, postgresVictim, stubs.provider, stubs.tools],
    ...{ providerLog: stubs.providerLog, toolsLog: stubs.toolsLog, hasSpare: true, ended },
    async isReady() {
      const answers = await Promise.all(apis.map((api) => api.request('GET', '/readyz')));
      return answers.every(({ status }) => status === 200);
    },
    said: () => [...[...apis, ...workers].map((server) => server.stderr), ...failedStarts].join('\n'),
    async close() {
      await supervisor.stop();
      await Promise.all(own.map((victim) => victim.close()));
      await temporal.stop();
      await postgres.stop();
      await Promise.all([stubs.provider.close(), stubs.tools.close()]);
      directory.remove();
    },
  };
}
