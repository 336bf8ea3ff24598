import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive } from '../temporal/local-server/process-identity.ts';
import { addDemoCommand } from './demo-command.ts';
import { runCommand, testTerminal, written } from './test-terminal.ts';

const SERVER = join(import.meta.dirname, 'demo-test-server.ts');

async function demo(env: NodeJS.ProcessEnv = {}, server = SERVER) {
  const cwd = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const terminal = testTerminal({ PATH: process.env.PATH, HOLDFAST_DATA_DIR: cwd, ...env });
  const code = await runCommand((program, io) => addDemoCommand(program, io, server), terminal, ['demo']);
  const pids = () => readFileSync(join(cwd, 'demo/pids'), 'utf8').match(/\d+/g) ?? [];
  return { code, out: written(terminal.stdout), err: written(terminal.stderr), pids };
}

test('the demo survives the kill of its server and leaves nothing running', async () => {
  const { code, out, err, pids } = await demo();
  expect(err).toBe('');
  expect(code).toBe(0);
  const told = [
    'ready: http://127.0.0.1:',
    'run.started',
    'Temporal Web UI of this run: http://127.0.0.1:',
    'the demo runs its own tool (lookup_order)',
    'tool.result',
    'the demo, in the part of the human, answers',
    'SIGKILL for the whole server',
    'KILLED: processes',
    'ready again: http://127.0.0.1:',
    'message.reset',
    'run.completed',
    '✓ all ',
  ];
  const places = told.map((words) => out.indexOf(words));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places).not.toContain(-1);
  expect(out).toContain('the connection is lost');
  const seqs = [...out.matchAll(/^ *(\d+) {2}[a-z]+\.[a-z_]+/gm)].map((match) => Number(match[1]));
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect(pids()).toHaveLength(4);
  for (const pid of pids()) expect(await isAlive(Number(pid))).toBe(false);
});

test('a server that does not start ends the demo with one line', async () => {
  const { code, err } = await demo({}, '/dev/null');
  expect(code).toBe(1);
  expect(err).toBe('holdfast: the server ended (exit code 0) before it was ready, see above (demo.not_ready)\n');
});
