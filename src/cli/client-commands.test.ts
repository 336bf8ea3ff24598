import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { frame, type Handler, json, stream, testServer } from '../client/test-server.ts';
import { addClientCommands } from './client-commands.ts';
import { runCommand, type TestTerminal, testTerminal, written } from './test-terminal.ts';

const KEY = 'test-key-0123456789';
const CREATED = { run_id: 'run_1', thread_id: 'thread_1', trace_id: 't' };
const WAITING = {
  request_id: 'input_1',
  kind: 'question',
  prompt: 'Tea or coffee?',
  expires_at: '2026-11-29T10:00:00.000Z',
};
const COMPLETED = { output: 'x', message_id: 'm', usage: null, cost_usd: null, duration_ms: 1 };

async function holdfast(args: string[], handler: Handler, isTTY = false) {
  const server = await testServer(handler);
  const terminal = testTerminal({ HOLDFAST_API_KEY: KEY }, isTTY);
  const code = runCommand(addClientCommands, terminal, [...args, '--url', server.baseUrl]);
  return { ...server, terminal, code };
}

/** A run that waits for its human, and completes or says no when it is answered. */
function waitingRun(refusals: { status: number; code: string }[] = []): Handler {
  let openStream: ReturnType<typeof stream> | undefined;
  return (request, response) => {
    if (request.path === '/v1/runs') return json(response, 201, CREATED);
    if (request.path.endsWith('/input')) {
      const refusal = refusals.shift();
      if (refusal) return json(response, refusal.status, { code: refusal.code, message: 'not so', trace_id: 'abc' });
      json(response, 200, { ok: true });
      openStream?.end(frame(3, 'run.input_received', WAITING) + frame(4, 'run.completed', COMPLETED));
      return;
    }
    openStream = stream(response);
    openStream.write(frame(1, 'run.started', {}) + frame(2, 'run.waiting_for_input', WAITING));
  };
}

/** Resolves with what `stream` of the terminal has said once it has said `words`. */
async function said(terminal: TestTerminal, words: string): Promise<string> {
  let text = '';
  for await (const chunk of terminal.stderr.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes(words)) return text;
  }
  throw new Error(`never said: ${words}`);
}

describe('holdfast run', () => {
  test('starts a run and prints its events as JSON lines when piped', async () => {
    const { code, terminal, requests } = await holdfast(['run', 'hello', '--model', 'demo'], (request, response) => {
      if (request.path === '/v1/runs') return json(response, 201, CREATED);
      stream(response).end(frame(1, 'run.started') + frame(2, 'run.completed', COMPLETED));
    });
    expect(await code).toBe(0);
    expect(requests[0]?.body).toEqual({ input: 'hello', model: 'demo' });
    const events = written(terminal.stdout).trimEnd().split('\n');
    expect(events.map((line) => JSON.parse(line).type)).toEqual(['run.started', 'run.completed']);
    expect(written(terminal.stderr)).toBe('run_1 on thread_1; see it again with: holdfast watch run_1\n');
  });

  test('goes on in a thread', async () => {
    const { code, requests } = await holdfast(['run', 'more', '--thread', 'thread_9'], (request, response) => {
      if (request.method === 'POST') return json(response, 201, { run_id: 'run_2', trace_id: 't' });
      stream(response).end(frame(1, 'run.completed', COMPLETED));
    });
    expect(await code).toBe(0);
    expect(requests[0]?.path).toBe('/v1/threads/thread_9/runs');
  });

  test('says how to answer when there is no terminal', async () => {
    const { code, terminal, client } = await holdfast(['run', '/ask Tea or coffee?'], waitingRun());
    const hint = await said(terminal, '--request');
    expect(hint).toContain('holdfast answer run_1 "<your answer>" --request input_1');
    await client.answer('run_1', { content: 'tea' });
    expect(await code).toBe(0);
  });

  test('asks on a terminal, again after a refused answer', async () => {
    const refusals = [{ status: 422, code: 'validation.failed' }];
    const { code, terminal, requests } = await holdfast(['run', '/ask Tea or coffee?'], waitingRun(refusals), true);
    await said(terminal, 'Tea or coffee? >');
    terminal.stdin.write('\n');
    await said(terminal, 'Tea or coffee? >');
    terminal.stdin.write('tea\n');
    expect(await code).toBe(0);
    const answers = requests.filter((request) => request.path.endsWith('/input')).map((request) => request.body);
    expect(answers).toEqual([
      { content: '', request_id: 'input_1' },
      { content: 'tea', request_id: 'input_1' },
    ]);
  });

  test('withdraws its question when somebody else has answered', async () => {
    const { code, terminal, client } = await holdfast(['run', '/ask Tea or coffee?'], waitingRun(), true);
    await said(terminal, 'Tea or coffee? >');
    await client.answer('run_1', { content: 'tea' });
    expect(await code).toBe(0);
  });

  test('says how to answer when the input ends', async () => {
    const { code, terminal, client } = await holdfast(['run', '/ask Tea or coffee?'], waitingRun(), true);
    await said(terminal, 'Tea or coffee? >');
    terminal.stdin.end();
    await said(terminal, 'holdfast answer run_1');
    await client.answer('run_1', { content: 'tea' });
    expect(await code).toBe(0);
  });

  test('exits 1 with the reason when the run fails', async () => {
    const error = { code: 'budget.exceeded', message: 'max_turns\nreached' };
    const { code, terminal } = await holdfast(['run', 'x'], (request, response) => {
      if (request.method === 'POST') return json(response, 201, CREATED);
      stream(response).end(frame(1, 'run.failed', { ...COMPLETED, error }));
    });
    expect(await code).toBe(1);
    expect(written(terminal.stderr)).toMatch(/\nholdfast: run_1 failed: max_turns reached \(budget\.exceeded\)\n$/);
  });
});

describe('holdfast watch', () => {
  test('ends quietly when nobody reads it any more', async () => {
    const { code, terminal } = await holdfast(['watch', 'run_1'], (request, response) => {
      if (!request.path.includes('/events')) return json(response, 200, {});
      stream(response).write(frame(1, 'run.started', {}));
      terminal.stdout.once('readable', () => terminal.stdout.destroy(Object.assign(new Error('x'), { code: 'EPIPE' })));
    });
    expect(await code).toBe(0);
    expect(written(terminal.stderr)).toBe('');
  });

  test('begins and ends where it is told', async () => {
    const { code, requests } = await holdfast(
      ['watch', 'run_1', '--after', '4', '--no-follow'],
      (request, response) => {
        if (!request.path.includes('/events')) return json(response, 200, {});
        stream(response).end(frame(5, 'turn.started', {}));
      },
    );
    expect(await code).toBe(0);
    expect(requests.at(-1)?.path).toBe('/v1/runs/run_1/events?after_seq=4&follow=false');
  });

  test('names a run that there is not, with the trace id', async () => {
    const { code, terminal } = await holdfast(['watch', 'run_x'], (_, response) =>
      json(response, 404, { code: 'runs.not_found', message: 'No run run_x.', trace_id: 'abc' }),
    );
    expect(await code).toBe(1);
    expect(written(terminal.stderr)).toBe('holdfast: No run run_x. (runs.not_found, trace abc)\n');
  });
});

test('holdfast runs prints rows: a table on a terminal, JSON lines elsewhere', async () => {
  const row = {
    run_id: 'run_1',
    status: 'failed',
    model: null,
    created_at: '2026-11-22T10:00:00.123Z',
    duration_ms: 1500,
    total_input_tokens: 10,
    total_output_tokens: 5,
    total_cost_usd: null,
  };
  const handler: Handler = (_, response) => json(response, 200, [row]);
  const piped = await holdfast(['runs', '--status', 'failed', '--limit', '5'], handler);
  expect(await piped.code).toBe(0);
  expect(piped.requests[0]?.path).toBe('/v1/runs?limit=5&status=failed');
  expect(JSON.parse(written(piped.terminal.stdout))).toEqual(row);

  const shown = await holdfast(['runs'], handler, true);
  expect(await shown.code).toBe(0);
  expect(written(shown.terminal.stdout)).toBe(
    'RUN    STATUS  MODEL  CREATED                   DURATION  TOKENS  COST\n' +
      'run_1  failed  –      2026-11-22T10:00:00.123Z  1.5 s     15      –\n',
  );
});

test('holdfast answer and cancel do what they say', async () => {
  const handler: Handler = (_, response) => json(response, 200, { ok: true });
  const answer = await holdfast(['answer', 'run_1', 'deny: no', '--request', 'input_1'], handler);
  expect(await answer.code).toBe(0);
  expect(answer.requests[0]?.body).toEqual({ content: 'deny: no', request_id: 'input_1' });
  expect(written(answer.terminal.stdout)).toBe('run_1 has its answer\n');

  const cancel = await holdfast(['cancel', 'run_1'], handler);
  expect(await cancel.code).toBe(0);
  expect(cancel.requests[0]?.path).toBe('/v1/runs/run_1:cancel');
});

describe('the server and its key', () => {
  test('are found by HOLDFAST_HOST, HOLDFAST_PORT and the key file', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true }));
    writeFileSync(join(dataDir, 'api-key'), 'key-of-the-file-123\n');
    const { baseUrl, requests } = await testServer((_, response) => json(response, 200, []));
    const env = { HOLDFAST_DATA_DIR: dataDir, HOLDFAST_HOST: '0.0.0.0', HOLDFAST_PORT: new URL(baseUrl).port };
    expect(await runCommand(addClientCommands, testTerminal(env), ['runs'])).toBe(0);
    expect(requests[0]?.headers.authorization).toBe('Bearer key-of-the-file-123');
  });

  test.each([
    [
      'no key',
      { HOLDFAST_DATA_DIR: '/no/such' },
      /^holdfast: no API key: set HOLDFAST_API_KEY, or .*\/no\/such\/api-key/,
    ],
    ['no port', { HOLDFAST_API_KEY: KEY, HOLDFAST_PORT: '0' }, /^holdfast: HOLDFAST_PORT=0 says no port/],
    ['a bad variable', { HOLDFAST_PORT: 'x' }, /^holdfast: HOLDFAST_PORT: expected an integer/],
    [
      'nobody there',
      { HOLDFAST_API_KEY: KEY, HOLDFAST_PORT: '1' },
      /^holdfast: no answer from http:\/\/127\.0\.0\.1:1: /,
    ],
  ])('%s: one line, exit code 1', async (_, env, line) => {
    const terminal = testTerminal(env);
    expect(await runCommand(addClientCommands, terminal, ['cancel', 'run_1'])).toBe(1);
    const err = written(terminal.stderr);
    expect(err).toMatch(line);
    expect(err.trimEnd()).not.toContain('\n');
  });
});

test.each(['run', 'runs', 'watch', 'answer', 'cancel', 'demo'])(
  'holdfast %s --help explains it with examples',
  async (name) => {
    const terminal = testTerminal({});
    expect(await runCommand(addClientCommands, terminal, [name, '--help'])).toBe(0);
    expect(written(terminal.stdout)).toMatch(new RegExp(`Usage: holdfast ${name}[^]*Examples:\\n[^]*holdfast ${name}`));
  },
);
