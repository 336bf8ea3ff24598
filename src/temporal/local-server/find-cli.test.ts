import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { isHoldfastError } from '../../errors.ts';
import { downloadTemporalCli } from './download-cli.ts';
import { cliDirectory, findTemporalCli } from './find-cli.ts';
import { cleanUp, remember, spawnOwn, temporaryDirectory, until, writeScript } from './local-server.fixture.ts';
import { isAlive } from './process-identity.ts';

console.log(
  'needs /bin/sh for stand-ins of `temporal` and `go`; no network: downloads are sent to a proxy that refuses',
);

let root: string;
let env: NodeJS.ProcessEnv;
const lines: string[] = [];

beforeEach(async () => {
  root = await temporaryDirectory();
  lines.length = 0;
  env = { PATH: join(root, 'bin'), HOME: root, XDG_CACHE_HOME: join(root, 'cache'), HTTPS_PROXY: 'http://127.0.0.1:1' };
});

afterAll(cleanUp);

const find = (over: NodeJS.ProcessEnv = {}) =>
  findTemporalCli({ env: { ...env, ...over }, onProgress: (line) => lines.push(line) });

const fakeTemporal = (directory: string, version: string) =>
  writeScript(directory, 'temporal', `echo "temporal version ${version}"`);

/** Stands for Go: answers `go env`, and `go build` runs `build` with the output file in $out. */
const fakeGo = (build: string, version = 'go1.26.8', toolchain = 'local') =>
  writeScript(
    join(root, 'bin'),
    'go',
    `if [ "$1" = env ]; then echo ${version}; echo ${toolchain}; exit 0; fi
while [ $# -gt 0 ]; do if [ "$1" = -o ]; then out=$2; fi; shift; done
${build}`,
  );

const BUILD_WORKS = `printf '#!/bin/sh\\necho "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"\\n' > "$out"`;

test('the PATH comes before the cache', async () => {
  const path = await fakeTemporal(join(root, 'bin'), '1.5.0 (Server 1.29.0, UI 2.42.0)');
  await fakeTemporal(cliDirectory(env), '1.9.1 (Server 1.32.0, UI 2.54.1)');
  expect(await find()).toEqual({ path, source: 'path', version: '1.5.0' });
});

test('a CLI on the PATH that is too old is named and skipped, and a later one on the PATH is taken', async () => {
  const old = await fakeTemporal(join(root, 'bin'), '1.4.1 (Server 1.28.1, UI 2.39.0)');
  const good = await fakeTemporal(join(root, 'other'), '1.10.0 (Server 1.33.0, UI 2.60.0)');
  const found = await find({ PATH: [join(root, 'bin'), join(root, 'other')].join(delimiter) });
  expect(found).toEqual({ path: good, source: 'path', version: '1.10.0' });
  expect(lines).toEqual([`Temporal: skipped ${old}: version 1.4.1; needs 1.5.0 or later`]);
});

test('a CLI with an unreadable version is skipped for the one in the cache', async () => {
  await writeScript(join(root, 'bin'), 'temporal', 'echo something else');
  const path = await fakeTemporal(cliDirectory(env), '1.9.1 (Server 1.32.0, UI 2.54.1)');
  expect(await find()).toEqual({ path, source: 'cache', version: '1.9.1' });
  expect(lines[0]).toContain('unreadable version: "something else"');
});

test('a CLI built from source is judged by its server', async () => {
  await fakeTemporal(join(root, 'bin'), '0.0.0-DEV (Server 1.28.0, UI 2.39.0)');
  const path = await fakeTemporal(join(root, 'other'), '0.0.0-DEV (Server 1.29.1, UI 2.42.1)');
  const found = await find({ PATH: [join(root, 'bin'), join(root, 'other')].join(delimiter) });
  expect(found).toEqual({ path, source: 'path', version: '0.0.0-DEV (server 1.29.1)' });
});

test('where nothing can be downloaded, Go builds it into the cache, and the next search finds it there', async () => {
  await fakeGo(BUILD_WORKS);
  const path = join(cliDirectory(env), 'temporal');
  expect(await find()).toEqual({ path, source: 'build', version: '1.9.1' });
  expect(lines.join('\n')).toMatch(
    /download: .*client error \(Connect\)[\s\S]*building Temporal server \(once, 3-8 minutes\) … 0 s/,
  );
  expect(await find()).toEqual({ path, source: 'cache', version: '1.9.1' });
});

test('two builds at once both end with the whole binary and leave nothing else', async () => {
  await fakeGo(BUILD_WORKS);
  const found = await Promise.all([find(), find()]);
  expect(found.map(({ version }) => version)).toEqual(['1.9.1', '1.9.1']);
  expect(await readdir(cliDirectory(env))).toEqual(['temporal']);
});

test('a kill in the middle of a build leaves no binary, and the next search builds', async () => {
  await fakeGo(`echo half > "$out"; echo $$ > "${root}/go-pid"; while :; do read x < "${root}/fifo" || exit 1; done`);
  await spawnOwn('/usr/bin/env', ['mkfifo', join(root, 'fifo')]);
  const goPid = async () => Number(await readFile(join(root, 'go-pid'), 'utf8').catch(() => '0'));
  const module = new URL('./find-cli.ts', import.meta.url).href;
  const script = `const { findTemporalCli } = await import(${JSON.stringify(module)}); await findTemporalCli();`;
  const builder = await spawnOwn(process.execPath, ['--input-type=module', '-e', script], env);
  await until(async () => (await goPid()) > 0, 'the build to begin');
  await remember(await goPid()); // It outlives the builder; `cleanUp` ends it.
  builder.kill('SIGKILL');
  await until(async () => !(await isAlive(builder.pid)), 'the end of the builder');
  expect(await readdir(cliDirectory(env))).not.toContain('temporal');
  await fakeGo(BUILD_WORKS);
  expect(await find()).toMatchObject({ source: 'build', version: '1.9.1' });
  expect(await readdir(cliDirectory(env))).toEqual(['temporal']);
});

test('with nothing to find, fetch or build, one error says what was tried and what to install', async () => {
  await fakeTemporal(join(root, 'bin'), '1.4.1 (Server 1.28.1, UI 2.39.0)');
  const error = await find().catch((reason: unknown) => reason);
  expect(isHoldfastError(error, 'temporal.no_server')).toBe(true);
  expect(String(error)).toMatch(/Install the `temporal` CLI \(1\.5\.0 or later/);
  expect(String(error)).toMatch(
    /version 1\.4\.1[\s\S]*download: [\s\S]*build: no `go` on the PATH; a build needs Go 1\.26\.8/,
  );
});

test.each([
  ['go1.25.0', 'local', /Go is 1\.25\.0 with GOTOOLCHAIN=local; a build needs Go 1\.26\.8/],
  ['go1.20.1', 'auto', /Go is 1\.20\.1 with GOTOOLCHAIN=auto/],
  ['devel', 'local', /unreadable Go version "devel"/],
])('Go %s with GOTOOLCHAIN=%s does not build', async (version, toolchain, message) => {
  await fakeGo(BUILD_WORKS, version, toolchain);
  await expect(find()).rejects.toThrow(message);
});

test('an older Go that may fetch the right toolchain builds', async () => {
  await fakeGo(BUILD_WORKS, 'go1.22.0', 'auto');
  expect(await find()).toMatchObject({ source: 'build' });
});

test('a failing build is told with the end of what Go said', async () => {
  await fakeGo('echo "no space left on device" >&2; exit 1');
  await expect(find()).rejects.toThrow(/build: go build failed after \d+ s \(exit code 1\): no space left on device/);
});

test('a network that swallows everything is given up after a bound', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await until(() => silent.listening, 'a silent proxy');
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const proxied = { ...env, HTTPS_PROXY: `http://127.0.0.1:${address.port}` };
  const target = join(cliDirectory(env), 'temporal');
  const download = downloadTemporalCli({
    target,
    env: proxied,
    onProgress: (line) => lines.push(line),
    stallMs: 3_000,
  });
  await expect(download).rejects.toThrow('no byte from temporal.download for 3 s');
  expect(await readdir(cliDirectory(env))).toEqual([]);
  silent.close();
});
