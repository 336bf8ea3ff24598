/** The commands with DATABASE_URL: what they say of a database that is there, and of one that is not. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { migrations } from '../../src/journal/migrations/index.ts';
import { createDatabase, onDatabase, throughProxy } from '../support/postgres-database.ts';
import { startProxy } from '../support/proxy.ts';
import { type Env, type Finished, ownEnv, runHoldfast } from '../support/run-holdfast.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

/** One command alone has taken 9.6 s on a busy machine; a start that waited for what it lacks would wait for ever. */
const REFUSED_WITHIN_MS = 60_000;
const PASSWORD = 'a-password-that-nobody-may-see';

const directory = temporaryDirectory();
afterAll(() => directory.remove());

let url: string;
beforeAll(async () => {
  url = await createDatabase();
});

let directories = 0;
function holdfast(args: string[], env: Env): Promise<Finished> {
  const cwd = join(directory.path, String(directories++));
  mkdirSync(cwd);
  const quiet = { HOLDFAST_LOG: 'error', TEMPORAL_ADDRESS: inject('temporalAddress') };
  return runHoldfast(args, { cwd, env: { ...ownEnv(join(cwd, 'data')), ...quiet, ...env } });
}

describe('on an empty database', () => {
  it('migrate makes the tables, by one of several at once, and then has nothing to do', async () => {
    const names = Object.keys(migrations).join(', ');
    const ran = await Promise.all([1, 2, 3].map(() => holdfast(['migrate'], { DATABASE_URL: url })));
    expect(ran.map(({ stderr }) => stderr).join('')).toBe('');
    const said = ran.map(({ stdout }) => stdout).sort();
    expect(said).toEqual([`migrated: ${names}\n`, ...Array(2).fill('the database is up to date\n')].sort());
    expect((await holdfast(['migrate'], { DATABASE_URL: url })).stdout).toBe('the database is up to date\n');
  });

  it('keys are made, listed and revoked', async () => {
    const made = await holdfast(['keys', 'create', '--org', 'acme'], { DATABASE_URL: url });
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^hf_\w+\n$/) });
    const listed = await holdfast(['keys', 'list', '--org', 'acme'], { DATABASE_URL: url });
    const { id } = JSON.parse(listed.stdout);
    expect(await holdfast(['keys', 'revoke', id], { DATABASE_URL: url })).toMatchObject({ code: 0 });
  });

  it('doctor names the database without its password, and what is to be done about a lossy one', async () => {
    const withPassword = new URL(url);
    withPassword.password = PASSWORD;
    const database = async () => {
      const { stdout } = await holdfast(['doctor'], { DATABASE_URL: withPassword.href });
      expect(stdout).not.toContain(PASSWORD);
      const findings = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      return findings.find((finding) => finding.check === 'database');
    };
    const { username, host, pathname } = withPassword;
    expect(await database()).toEqual({
      ...{ check: 'database', ok: true, says: `DATABASE_URL (${username}@${host}${pathname})` },
    });
    const name = pathname.slice(1);
    await onDatabase(url, `alter database ${name} set synchronous_commit = off`);
    expect(await database()).toMatchObject({ ok: false, todo: 'Switch synchronous_commit on.' });
    await onDatabase(url, `alter database ${name} reset all`);
  });
});

describe('on a database that is not there', () => {
  const wrong = () => {
    const there = new URL(url);
    Object.assign(there, { password: PASSWORD, pathname: '/no_such_database' });
    return there.href;
  };

  it.each(['api', 'worker', 'start', 'migrate', 'keys list'])('%s says what and where in one line', async (command) => {
    const { code, stdout, stderr, ms } = await holdfast(command.split(' '), { DATABASE_URL: wrong() });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(ms).toBeLessThan(REFUSED_WITHIN_MS);
    expect(stderr.trimEnd().split('\n'), stderr).toHaveLength(1);
    expect(stderr).toContain(`${new URL(url).host}/no_such_database`);
    expect(stderr).toContain('"no_such_database" does not exist');
    expect(stderr).not.toContain(PASSWORD);
  });

  it('doctor goes on to the next check', async () => {
    const { code, stdout } = await holdfast(['doctor'], { DATABASE_URL: wrong() });
    const findings = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(code).toBe(1);
    expect(findings.find((finding) => finding.check === 'database')).toMatchObject({ ok: false });
    expect(findings.find((finding) => finding.check === 'temporal')).toMatchObject({ ok: true });
    expect(stdout).not.toContain(PASSWORD);
  });

  it.each(['mysql://localhost/x', 'not a url'])('%s is refused as no address of PostgreSQL', async (address) => {
    const { code, stderr } = await holdfast(['api'], { DATABASE_URL: address });
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toContain('DATABASE_URL: expected a PostgreSQL address');
  });
});

describe('an API', () => {
  it('whose database goes away says so with 503, logs no password, and goes on when it is back', async () => {
    const proxy = await startProxy(new URL(url).host);
    const there = new URL(throughProxy(url, proxy));
    there.password = PASSWORD;
    const env = { DATABASE_URL: there.href, TEMPORAL_ADDRESS: inject('temporalAddress') };
    await using api = await startServer({ command: 'api', env });
    expect((await api.request('POST', '/v1/threads', {})).status).toBe(201);
    proxy.cut();
    for (const [method, path] of [
      ['POST', '/v1/threads'],
      ['GET', '/v1/runs'],
    ] as const) {
      const answer = await api.request(method, path, method === 'POST' ? {} : undefined);
      expect(answer).toMatchObject({ status: 503, json: { code: 'journal.unavailable' } });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const ready = await api.request('GET', '/readyz');
    expect(ready).toMatchObject({ status: 503, json: { checks: { database: { state: 'unavailable' } } } });
    expect(ready.text).not.toContain(PASSWORD);
    proxy.restore();
    await until(async () => (await api.request('POST', '/v1/threads', {})).status === 201, 'threads are made again');
    expect(api.stderr).not.toContain(PASSWORD);
    await proxy.close();
  });

  it('needs no data directory of its own: two share one, and the first key is written once', async () => {
    const fresh = await createDatabase();
    const env = { DATABASE_URL: fresh, TEMPORAL_ADDRESS: inject('temporalAddress'), HOLDFAST_API_KEY: '' };
    const dataDir = join(directory.path, 'shared');
    const start = () => startServer({ command: 'api', dataDir, env });
    const [one, other] = await Promise.all([start(), start()]);
    const keys = await onDatabase(fresh, 'select id from api_keys');
    await one.close();
    await other.close();
    expect(keys).toHaveLength(1);
  });
});
