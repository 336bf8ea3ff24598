/**
 * A stand-in for `holdfast start` in the demo's test: the native API's wire, one run whose events are in a file before they are
 * sent, and a second process in the place of the local Temporal server. Killed, it goes on from the file.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from '../temporal/local-server/process-identity.ts';
import { writeState } from '../temporal/local-server/state-file.ts';

const dataDir = process.env.HOLDFAST_DATA_DIR ?? '';
const port = Number(process.env.HOLDFAST_PORT);
const uiPort = Number(process.env.HOLDFAST_TEMPORAL_UI_PORT);
const file = join(dataDir, 'events.jsonl');
/** At CHUNK_DELAY_MS each they take 3.5 s: the kill after 60 of them comes in time on a busy machine too. */
const CHUNKS = 700;
const CHUNK_DELAY_MS = 5;

const events: string[] = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
const readers = new Set<{ response: ServerResponse; next: number }>();
const has = (type: string, kind = '') => events.some((event) => event.includes(`"${type}"`) && event.includes(kind));

function append(type: string, data: object): void {
  const event = JSON.stringify({ seq: events.length + 1, type, data, created_at: new Date().toISOString() });
  appendFileSync(file, `${event}\n`);
  events.push(event);
  for (const reader of readers) feed(reader);
}

function feed(reader: { response: ServerResponse; next: number }): void {
  while (reader.next < events.length) reader.response.write(`data: ${events[reader.next++]}\n\n`);
  if (has('run.completed')) reader.response.end();
}

function wait(kind: string): void {
  const tool_calls = [{ call_id: 'call_1', name: 'lookup_order', arguments: { order_id: 'A-1001' } }];
  append('run.waiting_for_input', { request_id: `input_${kind}`, kind, prompt: '?', tool_calls, expires_at: 'later' });
}

async function tellStory(attempt: number): Promise<void> {
  append('turn.started', { turn: 3, model: 'demo', attempt });
  const message = { message_id: `msg_${attempt}`, turn: 3 };
  for (let chunk = 1; chunk <= CHUNKS; chunk++) {
    append('message.delta', { ...message, content: `chunk ${chunk} ` });
    // Only the first attempt must last until it is killed.
    await sleep(attempt === 1 ? CHUNK_DELAY_MS : 0);
  }
  append('run.completed', { output: '…', message_id: message.message_id, usage: null, cost_usd: null, duration_ms: 1 });
}

async function answered(kind: string): Promise<void> {
  append('run.input_received', { request_id: `input_${kind}`, kind });
  if (kind === 'question') return tellStory(1);
  append('tool.result', { call_id: 'call_1', name: 'lookup_order', status: 'ok', output: '{}', duration_ms: 1 });
  wait('question');
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '', 'http://x');
  const json = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.headers.authorization !== 'Bearer demo-test-key-123') return json(401, { code: 'auth', message: 'no' });
  let body = '';
  for await (const chunk of request) body += chunk;
  if (url.pathname === '/v1/runs') {
    json(201, { run_id: 'run_1', thread_id: 'thread_1', trace_id: 't' });
    append('run.started', { thread_id: 'thread_1', persona_id: 'assistant@1', model: 'demo' });
    return wait('tool_outputs');
  }
  if (url.pathname.endsWith('/input')) {
    json(200, { ok: true });
    return answered(JSON.parse(body).request_id.slice('input_'.length));
  }
  if (url.pathname.endsWith('/events')) {
    const reader = { response, next: Number(url.searchParams.get('after_seq')) };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    feed(reader);
    if (url.searchParams.get('follow') === 'true') readers.add(reader);
    else response.end();
    return;
  }
  json(200, { status: 'completed', temporal: { ui_url: `http://127.0.0.1:${uiPort}/run_1` } });
});

const temporal = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
const pid = temporal.pid ?? 0;
await writeState(join(dataDir, 'temporal.json'), {
  pid,
  processStart: (await processStart(pid)) ?? '',
  port: Number(process.env.HOLDFAST_TEMPORAL_PORT),
  uiPort,
  dbFile: '',
  cli: '',
  version: '',
  startedAt: '',
});
appendFileSync(join(dataDir, 'pids'), `${process.pid} ${pid}\n`);
writeFileSync(join(dataDir, 'api-key'), 'demo-test-key-123\n');
server.listen(port, '127.0.0.1', () => {
  process.stdout.write(`a line before\nholdfast ready http://127.0.0.1:${port}\n`);
  if (!has('run.input_received', 'question') || has('run.completed')) return;
  append('message.reset', { message_id: 'msg_1', turn: 3, attempt: 2, reason: 'worker_lost' });
  void tellStory(2);
});
process.once('SIGTERM', () => process.exit(0));
