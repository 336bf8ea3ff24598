/** The commands that are clients of a server, as a script uses them: JSON lines, exit codes, one line when it fails. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, type SeenEvent, story } from '../support/events.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, statusOf, watch } from './reader.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
});

const lines = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

const eventsOf = async (runId: string): Promise<SeenEvent[]> =>
  (await (await watch(server, runId)).untilClosed()).events;

describe('holdfast run', () => {
  it('prints every event as a JSON line and exits 0 when the run completed', async () => {
    const { code, stdout, stderr } = await server.holdfast(['run', '/stream chunks=20 delay_ms=2']);
    const events = lines(stdout) as SeenEvent[];
    checkHistory(events);
    expect(events.at(-1)?.type).toBe('run.completed');
    const runId = /run_\w+/.exec(stderr)?.[0] ?? '';
    expect(events).toEqual(await eventsOf(runId));
    expect(code).toBe(0);
  });

  it('exits 1 with one line when the run failed', async () => {
    const { code, stdout, stderr } = await server.holdfast(['run', '/fail status=401']);
    expect((lines(stdout) as SeenEvent[]).at(-1)?.type).toBe('run.failed');
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^holdfast: run_\w+ failed: /);
  });

  it('goes on in a thread', async () => {
    const { thread_id } = (await server.request('POST', '/v1/runs', { input: '/say one' })).json;
    await until(async () => {
      const { json } = await server.request('GET', `/v1/threads/${thread_id}`);
      return json.active_run_id === null;
    }, 'the first run ends');
    const { code } = await server.holdfast(['run', '/say two', '--thread', thread_id]);
    expect(code).toBe(0);
    expect((await server.request('GET', `/v1/threads/${thread_id}/runs`)).json).toHaveLength(2);
  });

  it('names a model or persona that there is not', async () => {
    for (const option of ['--model', '--persona']) {
      const { code, stdout, stderr } = await server.holdfast(['run', 'hello', option, 'nobody']);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('nobody');
    }
  });
});

describe('holdfast watch', () => {
  it('shows a run that another answers and one that another cancels', async () => {
    const asking = await postRun(server, '/ask Which colour?');
    await (await watch(server, asking.run_id)).untilType('run.waiting_for_input');
    const watching = server.holdfast(['watch', asking.run_id]);
    const wrong = await server.holdfast(['answer', asking.run_id, 'red', '--request', 'input_nowhere']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/^holdfast: .* \((runs|inputs)\.\w+, trace \w{32}\)\n$/);
    const answered = await server.holdfast(['answer', asking.run_id, 'blue']);
    expect(answered).toMatchObject({ code: 0, stdout: `${asking.run_id} has its answer\n`, stderr: '' });
    const seen = await watching;
    expect(seen.code).toBe(0);
    expect(seen.stderr).toContain(`holdfast answer ${asking.run_id}`);
    const events = lines(seen.stdout) as SeenEvent[];
    checkHistory(events);
    expect(story(events)).toContain('run.input_received');
    expect(events.at(-1)?.data.output).toContain('blue');
    const twice = await server.holdfast(['answer', asking.run_id, 'green']);
    expect(twice.code).toBe(1);
    expect(twice.stderr).toMatch(/runs\.not_(active|waiting)/);
  });

  it('exits 1 when the run is cancelled, and begins and ends where it is told', async () => {
    const { run_id } = await postRun(server, '/think ms=60000');
    const reader = await watch(server, run_id);
    await reader.untilType('turn.started');
    const part = await server.holdfast(['watch', run_id, '--no-follow', '--after', '1']);
    expect(part.code).toBe(0);
    expect(lines(part.stdout)).toEqual(reader.events.slice(1));
    const watching = server.holdfast(['watch', run_id]);
    const cancelled = await server.holdfast(['cancel', run_id]);
    expect(cancelled).toMatchObject({ code: 0, stdout: `${run_id} is asked to stop\n`, stderr: '' });
    const seen = await watching;
    expect(seen.code).toBe(1);
    expect((lines(seen.stdout) as SeenEvent[]).at(-1)?.type).toBe('run.cancelled');
    expect(await statusOf(server, run_id)).toBe('cancelled');
    expect((await server.holdfast(['cancel', run_id])).code).toBe(0);
  });

  it.each(['watch', 'cancel'])('%s names a run that there is not', async (command) => {
    const { code, stdout, stderr } = await server.holdfast([command, 'run_nowhere']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^holdfast: .*runs\.not_found, trace \w{32}\)\n$/);
  });
});

describe('holdfast runs', () => {
  it('lists them as JSON lines, newest first, filtered and limited', async () => {
    const { run_id, thread_id } = await postRun(server, '/ask Which colour?');
    await (await watch(server, run_id)).untilType('run.waiting_for_input');
    const all = lines((await server.holdfast(['runs', '--limit', '200'])).stdout);
    expect(all).toEqual((await server.request('GET', '/v1/runs?limit=200')).json);
    expect(lines((await server.holdfast(['runs', '--limit', '1'])).stdout)).toEqual([all[0]]);
    const waiting = lines((await server.holdfast(['runs', '--status', 'waiting_for_input'])).stdout);
    expect(waiting.map((run) => run.run_id)).toEqual([run_id]);
    const ofThread = lines((await server.holdfast(['runs', '--thread', thread_id])).stdout);
    expect(ofThread.map((run) => run.run_id)).toEqual([run_id]);
    await server.request('POST', `/v1/runs/${run_id}:cancel`);
  });

  it('against no server, or with a wrong key, is one line and exit 1', async () => {
    const nobody = await server.holdfast(['runs', '--url', 'http://127.0.0.1:9']);
    expect(nobody).toMatchObject({ code: 1, stdout: '' });
    expect(nobody.stderr.trim().split('\n')).toHaveLength(1);
    expect(nobody.stderr).toContain('127.0.0.1:9');
    const stranger = await server.holdfast(['runs'], { HOLDFAST_API_KEY: 'a-key-that-nobody-knows' });
    expect(stranger).toMatchObject({ code: 1, stdout: '' });
    expect(stranger.stderr).toContain('auth.invalid_token');
  });
});
