/** `holdfast start`: one process, SQLite, a Temporal server beside it that it starts again itself. */
import { randomPort } from '../../support/run-holdfast.ts';
import { TestServer } from '../../support/server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { startStubs } from './configuration.ts';
import type { Form, Victim } from './form.ts';
import { serverVictim } from './server-victim.ts';

export async function startEmbedded(): Promise<Form> {
  const directory = temporaryDirectory();
  const stubs = await startStubs(directory.path, { provider: randomPort(9_000), tools: randomPort(14_000) });
  const port = randomPort(1_024);
  const server = new TestServer({
    env: { HOLDFAST_PORT: String(port), HOLDFAST_CONFIG: stubs.config, HOLDFAST_LOG: 'warn' },
  });
  await server.start();
  const temporal: Victim = {
    ...{ name: 'temporal', weight: 2, kinds: ['kill', 'freeze'] },
    kill: async () => void ((await server.temporalPid()) && (await server.killTemporal())),
    // The server starts it again itself.
    restart: async () => undefined,
    freeze: async () => void ((await server.temporalPid()) && (await server.freezeTemporal())),
    thaw: () => server.thawTemporal(),
  };
  const ended: string[] = [];
  const own = serverVictim('server', 3, server, (what) => ended.push(what));
  const everything: Victim = {
    ...own,
    ...{ name: 'server and temporal', weight: 1 },
    ...{ unit: 'server', kinds: ['kill'] },
    async kill() {
      const temporalPid = await server.temporalPid();
      await own.kill();
      if (temporalPid !== undefined) await server.killTemporal();
    },
  };
  return {
    urls: [server.url],
    victims: [own, temporal, everything, stubs.provider, stubs.tools],
    providerLog: stubs.providerLog,
    toolsLog: stubs.toolsLog,
    ...{ hasSpare: false, ended },
    isReady: async () => (await server.request('GET', '/readyz')).status === 200,
    said: () => server.stderr,
    async close() {
      await own.close();
      await Promise.all([stubs.provider.close(), stubs.tools.close()]);
      directory.remove();
    },
  };
}
