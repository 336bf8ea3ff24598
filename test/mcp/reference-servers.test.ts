import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { McpServerConfig } from '../../src/config.ts';
import { bench, call, isRunning, toolOf } from './bench.ts';

const SERVERS = new URL('../../node_modules/@modelcontextprotocol/', import.meta.url);

function reference(server: string, args: string[], env: Record<string, string> = {}): McpServerConfig {
  const script = fileURLToPath(new URL(`server-${server}/dist/index.js`, SERVERS));
  return { command: process.execPath, args: [script, ...args], env, timeout_s: 20 };
}

test('the tools of server-everything are listed under its name, those that only run as tasks left out', async () => {
  const mcp = bench().open({ all: reference('everything', ['stdio']) });
  const { tools, unavailable } = await mcp.list(['all/*']);
  const names = tools.map((tool) => tool.name);
  expect(unavailable).toEqual([]);
  expect(names).toContain('all/echo');
  expect(names).toContain('all/get-sum');
  expect(names).not.toContain('all/simulate-research-query');
});

test('a call of server-everything answers with its text', async () => {
  const mcp = bench().open({ all: reference('everything', ['stdio']) });
  expect(await call(mcp, 'all/echo', { message: 'hello' })).toEqual({ status: 'ok', output: 'Echo: hello' });
  expect(await call(mcp, 'all/get-sum', { a: 2, b: 3 })).toMatchObject({
    status: 'ok',
    output: expect.stringContaining('5'),
  });
});

test('an image becomes a marker with type and size, between the texts around it', async () => {
  const mcp = bench().open({ all: reference('everything', ['stdio']) });
  const { output } = await call(mcp, 'all/get-tiny-image');
  expect(output).toMatch(/image you requested:\n\[image image\/png, \d{4} bytes\]\nThe image above/);
});

test('a stdio server sees its configured environment and none of our secrets', async () => {
  process.env.HOLDFAST_TEST_SECRET = 'not for servers';
  onTestFinished(() => {
    delete process.env.HOLDFAST_TEST_SECRET;
  });
  const mcp = bench().open({ all: reference('everything', ['stdio'], { LOG: 'warn' }) });
  const env: Record<string, string> = JSON.parse((await call(mcp, 'all/get-env')).output);
  expect(env.LOG).toBe('warn');
  expect(env.PATH).toBe(process.env.PATH);
  const inherited = Object.keys(env).filter((name) => name !== 'LOG');
  expect(['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER']).toEqual(expect.arrayContaining(inherited));
});

test('server-filesystem writes and reads a file in its directory and refuses one outside', async () => {
  const { directory, open } = bench();
  const mcp = open({ files: reference('filesystem', [directory]) });
  const path = join(directory, 'note.txt');
  expect((await call(mcp, 'files/write_file', { path, content: 'kept' })).status).toBe('ok');
  expect(readFileSync(path, 'utf8')).toBe('kept');
  expect(await call(mcp, 'files/read_text_file', { path })).toEqual({ status: 'ok', output: 'kept' });
  expect(await call(mcp, 'files/read_text_file', { path: '/etc/passwd' })).toMatchObject({ status: 'error' });
});

test('what the filesystem tools say of themselves decides what may be repeated and what asks for approval', async () => {
  const { directory, open } = bench();
  const mcp = open({ files: reference('filesystem', [directory]) });
  expect(await toolOf(mcp, 'files/read_text_file')).toMatchObject({ may_repeat: true, needs_approval_hint: false });
  expect(await toolOf(mcp, 'files/write_file')).toMatchObject({ may_repeat: true, needs_approval_hint: true });
  expect(await toolOf(mcp, 'files/move_file')).toMatchObject({ may_repeat: false, needs_approval_hint: true });
});

test('a server that is started through a chain of shells is ended whole', async () => {
  const { directory, open } = bench();
  const pidFile = join(directory, 'pid');
  const script = fileURLToPath(new URL('server-filesystem/dist/index.js', SERVERS));
  const inner = `echo $$ > ${pidFile}; exec ${process.execPath} ${script} ${directory}`;
  const mcp = open({ files: { command: 'sh', args: ['-c', `sh -c '${inner}'; true`], env: {}, timeout_s: 20 } });
  writeFileSync(join(directory, 'a.txt'), 'a');
  expect((await call(mcp, 'files/list_directory', { path: directory })).output).toContain('a.txt');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  expect(isRunning(pid)).toBe(true);
  await mcp.close();
  expect(isRunning(pid)).toBe(false);
});
