/** What `/metrics` says after runs of every kind, on a real Temporal server. */
import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkerApp } from '../../src/api/worker-app.ts';
import { activeRuns } from '../../src/telemetry/gauges.ts';
import { eventsToEnd, eventsUntil } from '../support/events.ts';
import { openTestHoldfast } from '../support/holdfast.ts';
import { cancel, createRun, waitingOf } from '../support/run-client.ts';
import { until } from '../support/until.ts';
import { openWorkshopStack, type WorkshopStack } from '../tools/workshop-stack.ts';
import { type Sample, sampleSum, scrape } from './scrape.ts';

const SAID = 'PRIVATE-TEXT-4711';

let stack: WorkshopStack;
let ids: string[];
let samples: Sample[];
let text: string;
beforeAll(async () => {
  stack = await openWorkshopStack();
  const told = await createRun(
    stack,
    `/say ${SAID}.\n/tool shop/note {"text": "${SAID}"}\n/usage input=1000 cached=400 output=50`,
  );
  await eventsToEnd(stack, told);
  const failed = await createRun(stack, '/fail status=401');
  await eventsToEnd(stack, failed);
  const cancelled = await createRun(stack, '/think ms=30000');
  await eventsUntil(stack, cancelled, (event) => event.type === 'turn.started');
  await cancel(stack, cancelled);
  await eventsToEnd(stack, cancelled);
  const waiting = await createRun(stack, '/ask Which?');
  await waitingOf(stack, waiting);
  ids = [told, failed, cancelled, waiting];
  await stack.send('GET', `/v1/runs/${SAID}`);
  // The step of a cancelled run may end just after its last event.
  await until(
    async () => sampleSum((await scrape(stack)).samples, 'holdfast_steps_running') === 0,
    'no step is at work',
  );
  ({ text, samples } = await scrape(stack));
});
afterAll(async () => {
  await stack.close();
});

const value = (name: string, labels?: Record<string, string>) => sampleSum(samples, name, labels);

describe('/metrics', () => {
  it('is documented whole: docs/operations.md names every metric, and no other', () => {
    const documented = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const inTable = [...documented.matchAll(/^\| `(holdfast_\w+)/gm)].map(([, name]) => name);
    const told = [...text.matchAll(/^# TYPE (holdfast_\w+)/gm)].map(([, name]) => name);
    expect(inTable.toSorted()).toEqual(told.toSorted());
    const alerted = [...documented.matchAll(/\b(temporal|nodejs)_[a-z_0-9]+/g)].map(([name]) => name);
    for (const name of alerted) if (!name.endsWith('_')) expect(text).toContain(`\n${name}`);
  });

  it('needs no key and is Prometheus text', async () => {
    const response = await stack.app.request('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('counts runs: the active by status, the ended as they ended', () => {
    expect(value('holdfast_runs_active', { status: 'waiting_for_input' })).toBe(1);
    expect(value('holdfast_runs_active')).toBe(1);
    expect(value('holdfast_runs_started_total')).toBe(4);
    for (const status of ['completed', 'failed', 'cancelled']) {
      expect(value('holdfast_runs_ended_total', { status })).toBe(1);
      expect(value('holdfast_run_duration_seconds_count', { status })).toBe(1);
    }
  });

  it('times steps, the provider, tools and commits, by how they ended', () => {
    expect(value('holdfast_step_duration_seconds_count', { step: 'modelTurn', outcome: 'tools' })).toBe(2);
    expect(value('holdfast_step_duration_seconds_count', { step: 'modelTurn', outcome: 'ended' })).toBe(2);
    expect(value('holdfast_step_duration_seconds_count', { step: 'toolCall', outcome: 'done' })).toBe(1);
    const demo = { route: 'demo', provider: 'demo' };
    expect(value('holdfast_provider_request_duration_seconds_count', { ...demo, outcome: 'ok' })).toBe(3);
    expect(value('holdfast_provider_request_duration_seconds_count', { outcome: 'provider.unauthorized' })).toBe(1);
    expect(value('holdfast_provider_request_duration_seconds_count', { outcome: 'aborted' })).toBe(1);
    expect(value('holdfast_provider_first_part_seconds_count', demo)).toBe(3);
    expect(value('holdfast_provider_slot_wait_seconds_count', { route: 'demo' })).toBe(5);
    expect(value('holdfast_provider_tokens_total', { ...demo, kind: 'cached_input' })).toBe(400);
    expect(value('holdfast_tool_call_duration_seconds_count', { kind: 'mcp_stdio', outcome: 'ok' })).toBe(1);
    const transaction = (name: string) =>
      value('holdfast_journal_transaction_duration_seconds_count', { transaction: name, outcome: 'ok' });
    expect([transaction('createRun'), transaction('completeTurn')]).toEqual([4, 3]);
  });

  it('counts requests by the pattern of their path', () => {
    const runs = { method: 'POST', endpoint: '/v1/runs' };
    expect(value('holdfast_http_requests_total', { ...runs, status: '201' })).toBe(4);
    expect(value('holdfast_http_request_duration_seconds_count', runs)).toBe(4);
    const verb = { method: 'POST', endpoint: '/v1/runs/{run_id}:cancel', status: '200' };
    expect(value('holdfast_http_requests_total', verb)).toBe(1);
    expect(value('holdfast_http_requests_total', { endpoint: '/v1/runs/{run_id}', status: '404' })).toBe(1);
  });

  it('has what Temporal counts, and the process', () => {
    expect(value('temporal_workflow_completed_total')).toBeGreaterThanOrEqual(1);
    expect(value('temporal_activity_execution_latency_seconds_count')).toBeGreaterThanOrEqual(5);
    expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(value('holdfast_temporal_reachable')).toBe(1);
    expect(value('holdfast_build_info')).toBe(1);
  });

  it('counts the readers of events', async () => {
    expect(value('holdfast_event_readers')).toBe(0);
    const reader = await stack.send('GET', `/v1/runs/${ids[3]}/events`);
    expect(sampleSum((await scrape(stack)).samples, 'holdfast_event_readers')).toBe(1);
    await reader.body?.cancel();
    expect(sampleSum((await scrape(stack)).samples, 'holdfast_event_readers')).toBe(0);
  });

  it('holds nothing of a tenant: no id, no key, no text', () => {
    for (const id of [...ids, stack.key, SAID]) expect(text).not.toContain(id);
    expect(text).not.toMatch(/\b(run|thread|msg|call|input|key|org)_[0-9a-z]{6,}/);
    const labels = new Set(
      samples.filter(({ name }) => name.startsWith('holdfast_')).flatMap((it) => Object.keys(it.labels)),
    );
    const closed = [
      'endpoint',
      'kind',
      'le',
      'method',
      'outcome',
      'provider',
      'route',
      'status',
      'step',
      'transaction',
    ];
    expect([...labels].sort()).toEqual([...closed, 'version'].sort());
  });
});

it('a worker without an API tells its own', async () => {
  const app = createWorkerApp(stack.telemetry, '9.9.9');
  expect(await (await app.request('/metrics')).text()).toContain('holdfast_step_duration_seconds_count');
  expect(await (await app.request('/healthz')).json()).toEqual({ status: 'ok', version: '9.9.9' });
  expect((await app.request('/v1/runs')).status).toBe(404);
});

it('a process counts for itself: another one beside it has counted nothing', async () => {
  const other = await openTestHoldfast();
  const { samples: others } = await scrape(other);
  expect(sampleSum(others, 'holdfast_runs_started_total')).toBe(0);
  expect(sampleSum(others, 'holdfast_http_requests_total')).toBeUndefined();
  await other.close();
});

it('an intent that nobody delivers ages', async () => {
  const alone = await openTestHoldfast();
  await createRun(alone, 'hello');
  const { samples: seen } = await scrape(alone);
  expect(sampleSum(seen, 'holdfast_outbox_oldest_age_seconds', { kind: 'start' })).toBeGreaterThan(0);
  expect(sampleSum(seen, 'holdfast_outbox_oldest_age_seconds', { kind: 'cancel' })).toBe(0);
  expect(sampleSum(seen, 'holdfast_temporal_reachable')).toBe(0);
  expect(sampleSum(seen, 'holdfast_runs_active', { status: 'queued' })).toBe(1);
  await alone.close();
});

it('active runs are counted from their index, however many have ended', async () => {
  const { db } = stack.journal;
  let asked = '';
  await activeRuns({
    db: db.withPlugin({
      transformQuery: ({ node }) => {
        asked = db.getExecutor().compileQuery(node, { queryId: 'plan' } as never).sql;
        return node;
      },
      transformResult: async ({ result }) => result,
    }),
  });
  const { rows } = await sql<{ detail: string }>`explain query plan ${sql.raw(asked)}`.execute(db);
  expect(rows.map(({ detail }) => detail)).toEqual(['SCAN runs USING COVERING INDEX runs_active_by_status']);
});

it('a journal that cannot be read leaves out its gauges alone', async () => {
  const broken = await openTestHoldfast();
  await broken.journal.close();
  const { samples: seen } = await scrape(broken);
  expect(sampleSum(seen, 'holdfast_runs_active')).toBeUndefined();
  expect(sampleSum(seen, 'holdfast_event_readers')).toBe(0);
  await broken.close();
});
