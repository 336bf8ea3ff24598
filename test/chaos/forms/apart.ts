/** Two APIs and two workers on one PostgreSQL and a Temporal cluster on the same server. */
import { randomText } from '../../../src/ids.ts';
import { startPostgres } from '../../support/postgres-server.ts';
import { randomPort, TestServer } from '../../support/server.ts';
import { startTemporalCluster } from '../../support/temporal-cluster.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { startStubs } from './configuration.ts';
import type { Form, Victim } from './form.ts';
import { serverVictim } from './server-victim.ts';

export async function startApart(): Promise<Form> {
  const directory = temporaryDirectory();
  const stubs = await startStubs(directory.path, { provider: randomPort(9_000), tools: randomPort(14_000) });
  const postgres = await startPostgres();
  const temporal = await startTemporalCluster({ postgresUrl: postgres.url });
  const env = {
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    HOLDFAST_TASK_QUEUE: `chaos-${randomText(8)}`,
    HOLDFAST_CONFIG: stubs.config,
    HOLDFAST_LOG: 'warn',
  };
  const ports = [randomPort(1_024), randomPort(6_030)];
  const apis = ports.map((port) => new TestServer({ command: 'api', env: { ...env, HOLDFAST_PORT: String(port) } }));
  const workers = [1, 2].map(() => new TestServer({ command: 'worker', env }));
  // The first makes the tables; each could.
  for (const server of [...apis, ...workers]) await server.start();
  const named = (kind: string, weight: number, servers: TestServer[]): Victim[] =>
    servers.map((server, i) => serverVictim(`${kind}-${i + 1}`, weight, server));
  return {
    urls: apis.map(({ url }) => url),
    victims: [
      ...named('api', 2, apis),
      ...named('worker', 4, workers),
      { ...temporal, name: 'temporal', weight: 2, kinds: ['kill', 'freeze'] },
      {
        ...{ name: 'postgres', weight: 2, kinds: ['kill', 'freeze'] },
        ...{ kill: postgres.kill, restart: postgres.restart },
        freeze: async () => postgres.freeze(),
        thaw: async () => postgres.thaw(),
      },
      stubs.provider,
      stubs.tools,
    ],
    providerLog: stubs.providerLog,
    toolsLog: stubs.toolsLog,
    hasSpare: true,
    isReady: async () => {
      const answers = await Promise.all(apis.map((api) => api.request('GET', '/readyz')));
      return answers.every(({ status }) => status === 200);
    },
    said: () => [...apis, ...workers].map((server) => server.stderr).join('\n'),
    async close() {
      await Promise.all([...apis, ...workers].map((server) => server.close()));
      await temporal.stop();
      await postgres.stop();
      await Promise.all([stubs.provider.close(), stubs.tools.close()]);
      directory.remove();
    },
  };
}
