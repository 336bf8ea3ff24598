/** Drills: the journal or Temporal's database is put back to an older copy. Nothing runs twice, and what waited waits. */
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { checkHistory, type SeenEvent, types } from '../support/events.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, type Started, statusOf, watch, wholeStory } from './reader.ts';

const TEST_TIMEOUT_MS = 120_000;
/** The sweep looks every 20 s at what has been quiet for 10 s. */
const AGREED_WITHIN_MS = 60_000;

const answer = async (server: TestServer, run: Started, content: string) =>
  expect((await server.request('POST', `/v1/runs/${run.run_id}/input`, { content })).status).toBe(200);

/** Waits for the run's `count`-th request to be open. */
async function asked(server: TestServer, run: Started, count: number): Promise<void> {
  const reader = await watch(server, run.run_id);
  const requests = () => reader.events.filter((event) => event.type === 'run.waiting_for_input').length;
  await until(() => requests() >= count, `request ${count}`, 30_000);
  await reader.close();
}

/** The step of docs/operations.md: a copy that is whole, of a database that is written to meanwhile. */
async function copyDatabase(server: TestServer, name: string): Promise<string> {
  const copy = join(server.cwd, `copy-of-${name}`);
  const db = new DatabaseSync(join(server.dataDir, name), { readOnly: true });
  await backup(db, copy);
  db.close();
  return copy;
}

function putBack(server: TestServer, name: string, copy: string): void {
  for (const file of readdirSync(server.dataDir)) {
    if (file === name || file === `${name}-wal` || file === `${name}-shm`) rmSync(join(server.dataDir, file));
  }
  copyFileSync(copy, join(server.dataDir, name));
}

type Finding = { check: string; ok: boolean; says: string };

async function doctor(server: TestServer, ...args: string[]): Promise<{ code: number | null; found: Finding[] }> {
  const { code, stdout } = await server.holdfast(['doctor', ...args], {});
  const findings = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding);
  return { code, found: findings.filter((finding) => finding.check === 'agreement') };
}

const outputs = (events: SeenEvent[]) => String(events.at(-1)?.data.output);

describe('the journal put back to an older copy', { timeout: TEST_TIMEOUT_MS }, () => {
  it('goes on from what it says: runs wait again, cancelled ones stay cancelled, and what it does not know is closed by doctor', async () => {
    await using server = await startServer();
    const further = await postRun(server, '/ask First?\n/ask Second?\n/say Done.');
    const finished = await postRun(server, '/ask First?\n/say Done.');
    const cancelled = await postRun(server, '/ask First?');
    for (const run of [further, finished, cancelled]) await asked(server, run, 1);
    const working = await postRun(server, '/say Begun.\n/think ms=4000\n/ask Then?\n/say Done.');
    await (await watch(server, working.run_id)).untilType('message.delta');
    const copy = await copyDatabase(server, 'holdfast.db');

    for (const run of [further, finished]) await answer(server, run, 'blue');
    expect((await server.request('POST', `/v1/runs/${cancelled.run_id}:cancel`)).status).toBe(200);
    const unknown = await postRun(server, '/ask Unknown?');
    await asked(server, unknown, 1);
    await asked(server, further, 2);
    await asked(server, working, 1);
    for (const run of [finished, cancelled]) await wholeStory(server, run.run_id);
    await server.stop();
    putBack(server, 'holdfast.db', copy);
    await server.restart();

    const ended = await wholeStory(server, cancelled.run_id, AGREED_WITHIN_MS);
    checkHistory(ended.events);
    expect(ended.events.at(-1)?.type).toBe('run.cancelled');
    // What was said since is gone; the question of the copy is open, and whoever answers it is heard.
    for (const run of [further, finished]) {
      expect(await statusOf(server, run.run_id)).toBe('waiting_for_input');
      await answer(server, run, 'red');
    }
    await asked(server, further, 2);
    await answer(server, further, 'green');
    await asked(server, working, 1);
    await answer(server, working, 'yellow');
    for (const run of [further, finished, working]) {
      const { events } = await wholeStory(server, run.run_id, AGREED_WITHIN_MS);
      checkHistory(events);
      expect(events.at(-1)?.type).toBe('run.completed');
      expect(outputs(events)).toContain('Done.');
    }
    const told = types((await wholeStory(server, working.run_id)).events);
    expect(told.filter((type) => type === 'message.reset')).toHaveLength(1);

    expect((await server.request('GET', `/v1/runs/${unknown.run_id}`)).status).toBe(404);
    const { code, found } = await doctor(server);
    expect(code).toBe(1);
    expect(found.map(({ ok, says }) => [ok, says])).toEqual([
      [false, `${unknown.run_id}: the journal says no such run, Temporal says running`],
    ]);
    const mended = await doctor(server, '--repair');
    expect(mended.found).toMatchObject([{ ok: true, says: expect.stringContaining('its workflow was closed') }]);
    expect(mended.code).toBe(0);
    expect(await doctor(server)).toMatchObject({ code: 0, found: [{ ok: true }] });
  });
});

describe('Temporal put back to an older copy', { timeout: TEST_TIMEOUT_MS }, () => {
  it('catches up with the journal: no turn is taken twice, what waits waits, and runs it does not know are rebuilt', async () => {
    await using server = await startServer();
    const further = await postRun(server, '/ask First?\n/ask Second?\n/say Done.');
    const finished = await postRun(server, '/ask First?\n/say Done.');
    const cancelled = await postRun(server, '/ask First?');
    for (const run of [further, finished, cancelled]) await asked(server, run, 1);
    const copy = await copyDatabase(server, 'temporal.db');

    for (const run of [further, finished]) await answer(server, run, 'blue');
    expect((await server.request('POST', `/v1/runs/${cancelled.run_id}:cancel`)).status).toBe(200);
    const later = await postRun(server, '/ask Later?\n/say Done.');
    await asked(server, later, 1);
    await asked(server, further, 2);
    const before = new Map<string, string>();
    for (const run of [finished, cancelled]) before.set(run.run_id, (await wholeStory(server, run.run_id)).text);
    await server.stop();
    putBack(server, 'temporal.db', copy);
    await server.restart();

    const agreed = async () => (await doctor(server)).code === 0;
    await until(agreed, 'journal and Temporal agree by themselves', AGREED_WITHIN_MS);
    for (const run of [further, later]) {
      expect(await statusOf(server, run.run_id)).toBe('waiting_for_input');
      await answer(server, run, 'green');
      const { events } = await wholeStory(server, run.run_id, AGREED_WITHIN_MS);
      checkHistory(events);
      expect(outputs(events)).toContain('Done.');
      const turns = events.filter((event) => event.type === 'turn.started').map((event) => event.data.turn);
      expect(turns).toEqual([...new Set(turns)]);
    }
    for (const [run_id, text] of before) expect((await wholeStory(server, run_id)).text).toBe(text);
  });
});

describe('Temporal pointed at another namespace', { timeout: TEST_TIMEOUT_MS }, () => {
  it('has nothing rebuilt in it, and is told of; pointed back, the runs go on', async () => {
    await using home = await startServer();
    await using server = await startServer({
      env: { TEMPORAL_ADDRESS: `127.0.0.1:${home.env.HOLDFAST_TEMPORAL_PORT}`, HOLDFAST_TASK_QUEUE: 'apart' },
    });
    const run = await postRun(server, '/ask First?\n/say Done.');
    await asked(server, run, 1);
    await server.stop();
    await using other = await startServer();
    server.env.TEMPORAL_ADDRESS = `127.0.0.1:${other.env.HOLDFAST_TEMPORAL_PORT}`;
    await server.restart();
    const readyz = await server.request('GET', '/readyz');
    expect(readyz).toMatchObject({ status: 503, json: { checks: { temporal: { state: 'other_namespace' } } } });
    const { code, stdout } = await server.holdfast(['doctor', '--repair']);
    expect(code).toBe(1);
    expect(stdout).toContain('nothing is rebuilt in it');
    expect(await statusOf(server, run.run_id)).toBe('waiting_for_input');
    await server.stop();
    server.env.TEMPORAL_ADDRESS = `127.0.0.1:${home.env.HOLDFAST_TEMPORAL_PORT}`;
    await server.restart();
    await answer(server, run, 'blue');
    const { events } = await wholeStory(server, run.run_id, AGREED_WITHIN_MS);
    checkHistory(events);
    expect(types(events).filter((type) => type === 'turn.started')).toHaveLength(2);
  });
});
