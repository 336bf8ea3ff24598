/** What the suites share: three servers behind one recording proxy, and a way to reach them with any SDK. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { randomText } from '../../../src/ids.ts';
import { TEST_KEY } from '../../support/run-holdfast.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { startWire, type WireServer } from '../../wire/server.ts';
import type { ClientOptions, Sdk } from './npm-sdk.ts';
import { CASE_HEADER, FAULT_HEADER, type Fault, type Recorded, startRecordingProxy } from './recording-proxy.ts';

const WORKSHOP = fileURLToPath(new URL('../../mcp/servers/stdio.ts', import.meta.url));
/** `openai.expires_after_s` of the server `expiring`. A busy machine asks, speaks or ends within it. */
export const EXPIRES_AFTER_S = 8;
/** `limits.active_runs_per_org` of the server `unstarted`. */
export const ACTIVE_RUNS = 20;

/** `main`; `expiring`, whose runs expire soon; `unstarted`, which has no Temporal, so that its runs stay queued. */
export type ServerName = 'main' | 'expiring' | 'unstarted';
export type OpenOptions = { server?: ServerName; key?: string; fault?: Fault; maxRetries?: number };

/** What one test is given: an SDK on the main server, others like it, and the requests that its SDKs have made. */
export type World = {
  suite: Suite;
  sdk: Sdk;
  open(options: OpenOptions): Sdk;
  requests(): Recorded[];
};
/** Tests by the sentences that name them (ASCII: they travel in a header). Each runs with every major of the npm package. */
export type Flows = Record<string, (world: World) => Promise<void>>;

export type Suite = {
  main: TestServer;
  wire: WireServer;
  /** A key of another organisation, and one that may only read. */
  otherKey: string;
  readingKey: string;
  /** Makes a key, with the options of `holdfast keys create`. */
  makeKey(server: ServerName, ...options: string[]): Promise<string>;
  recorded(name?: string): Recorded[];
  /** `ownKey`: of the world's own SDK, in place of the test key. */
  world(name: string, open: (options: ClientOptions) => Sdk, ownKey?: string): World;
  /** What a process of its own needs to reach the same servers. */
  address: { proxy: string; key: string; other_key: string; reading_key: string };
  close(): Promise<void>;
};

const SERVERS: Record<ServerName, { yaml: (log: string, wire: string) => string; env?: Record<string, string> }> = {
  main: {
    yaml: (log, wire) => `
routes:
  - { id: demo, provider: demo, aliases: [gpt-4o] }
  - { id: impatient, provider: demo, retries: 0 }
  - { id: wired, provider: openai-compatible, model: wired-model, base_url: "${wire}" }
personas:
  - { key: assistant, route: demo, tools: [ask_user, shop/*, npm_doomed/die, python_doomed/die], approval: { shop/note: always } }
  - { key: thrifty, route: demo, tools: [shop/*], budget: { max_turns: 1, on_exceeded: ask } }
  - { key: frugal, route: demo, tools: [shop/*], budget: { max_tokens: 300 } }
mcp:
  shop: ${workshop(log)}
  # The two languages' tests run side by side: a server that dies for one must not take the other's calls with it.
  npm_doomed: ${workshop(log)}
  python_doomed: ${workshop(log)}
`,
  },
  expiring: { yaml: () => `${DEMO}openai: { expires_after_s: ${EXPIRES_AFTER_S} }\n` },
  unstarted: {
    yaml: () => `${DEMO}limits: { active_runs_per_org: ${ACTIVE_RUNS} }\n`,
    env: { TEMPORAL_ADDRESS: '127.0.0.1:9' },
  },
};
const workshop = (log: string) => `{ command: ${process.execPath}, args: [${WORKSHOP}], env: { EXECUTIONS: ${log} } }`;
const DEMO = 'routes: [{ id: demo, provider: demo, aliases: [gpt-4o] }]\n';

/** Starts the servers, on the Temporal server of the test run. `main` must be among them. */
export async function openSuite(names: ServerName[] = ['main', 'expiring', 'unstarted']): Promise<Suite> {
  const directory = temporaryDirectory();
  const wire = await startWire();
  const log = join(directory.path, 'executions.jsonl');
  const started = await Promise.all(
    names.map(async (name) => [name, await start(SERVERS[name].yaml(log, wire.url), SERVERS[name].env)] as const),
  );
  const servers = Object.fromEntries(started) as Record<ServerName, TestServer>;
  const { main } = servers;
  const proxy = await startRecordingProxy(Object.fromEntries(started.map(([name, { url }]) => [name, url])));
  const otherKey = await makeKey(main, '--org', 'other');
  const readingKey = await makeKey(main, '--scopes', 'runs:read');
  const suite: Suite = {
    ...{ main, wire, otherKey, readingKey },
    makeKey: (name, ...options) => makeKey(servers[name], ...options),
    recorded: proxy.recorded,
    address: { proxy: proxy.url, key: TEST_KEY, other_key: otherKey, reading_key: readingKey },
    world(name, open, ownKey = TEST_KEY) {
      const sdkOf = ({ server = 'main', key = TEST_KEY, fault, maxRetries }: OpenOptions) =>
        open({
          apiKey: key,
          baseURL: `${proxy.url}/${server}/openai/v1`,
          defaultHeaders: { [CASE_HEADER]: name, ...(fault && { [FAULT_HEADER]: fault }) },
          ...(maxRetries === undefined ? {} : { maxRetries }),
        });
      return { suite, sdk: sdkOf({ key: ownKey }), open: sdkOf, requests: () => proxy.recorded(name) };
    },
    async close() {
      await proxy.close();
      await Promise.all(started.map(([, server]) => server.close()));
      await wire.close();
      directory.remove();
    },
  };
  return suite;
}

const start = (yaml: string, env: Record<string, string> | undefined) =>
  startServer({
    yaml,
    env: { TEMPORAL_ADDRESS: inject('temporalAddress'), HOLDFAST_TASK_QUEUE: `sdk-${randomText(8)}`, ...env },
  });

async function makeKey(server: TestServer, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await server.holdfast(['keys', 'create', ...options]);
  if (code !== 0) throw new Error(`keys create: ${stderr}`);
  return stdout.trim();
}
