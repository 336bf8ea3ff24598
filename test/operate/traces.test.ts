/** Traces of runs, as a real collector gets them: one a run, over the API, the run, its steps, its provider and its tools. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLog } from '../../src/log.ts';
import { sampledShare } from '../../src/telemetry/otlp.ts';
import { openTelemetry } from '../../src/telemetry/telemetry.ts';
import type { EndedSpan } from '../../src/telemetry/tracing.ts';
import { eventsToEnd } from '../support/events.ts';
import { answer, createRun, detailsOf, waitingOf } from '../support/run-client.ts';
import { until } from '../support/until.ts';
import { openWorkshopStack, type WorkshopStack } from '../tools/workshop-stack.ts';
import { TEST_KEY, wireRoute } from '../wire/collect.ts';
import { startWire, type WireServer } from '../wire/server.ts';
import { type CollectedSpan, startCollector } from './collector.ts';

const QUESTION = 'PRIVATE-QUESTION-4711';
const SAID = 'PRIVATE-SAID-4712';
const ARGUMENT = 'PRIVATE-ARGUMENT-4713';
const ANSWER = 'PRIVATE-ANSWER-4714';
const PARENT_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_SPAN = '00f067aa0ba902b7';
const MS = 1_000_000n;
/** A run and its steps are timed by two clocks. */
const CLOCKS_NS = 500n * MS;
/** The last step writes the end of the run, and ends itself whenever the machine lets it. */
const LAST_STEP_NS = 10_000n * MS;
/** Of a process, which gives up its last export after 2 s. The tries of the exporter itself take 6.5 s and more. */
const CLOSED_WITHIN_MS = 6_000;
const A_SPAN: EndedSpan = {
  name: 'a',
  kind: 'internal',
  place: { trace_id: PARENT_TRACE, span_id: PARENT_SPAN },
  parent: undefined,
  started: 1,
  ended: 2,
  attributes: {},
};

let collector: Awaited<ReturnType<typeof startCollector>>;
let wire: WireServer;
let stack: WorkshopStack;
beforeAll(async () => {
  collector = await startCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-tenant=ours');
  vi.stubEnv('OTEL_SERVICE_NAME', 'agents-of-ours');
  wire = await startWire();
  stack = await openWorkshopStack(
    {},
    { telemetry: process.env, routes: [{ id: 'demo', provider: 'demo' }, wireRoute('openai', wire.url)] },
  );
});
afterAll(async () => {
  await stack.close();
  await wire.close();
  await collector.close();
  vi.unstubAllEnvs();
});

/** The spans of a trace, once its run's own, the last to be made, and every step's have arrived. */
async function traceOf(traceId: string): Promise<CollectedSpan[]> {
  const spans = () => collector.spans.filter((span) => span.trace_id === traceId);
  const isWhole = () => {
    const known = new Set(spans().map((span) => span.span_id));
    return (
      spans().some(({ name }) => name === 'run') &&
      spans().every(({ parent }) => parent === '' || parent === PARENT_SPAN || known.has(parent))
    );
  };
  await until(isWhole, `trace ${traceId} is whole`);
  return spans();
}

describe('a run', () => {
  let spans: CollectedSpan[];
  let runId: string;
  beforeAll(async () => {
    wire.script('openai', [
      {
        toolCalls: [
          { name: 'shop/note', arguments: { text: ARGUMENT } },
          { name: 'ask_user', arguments: { question: QUESTION } },
        ],
      },
      { text: [SAID] },
    ]);
    runId = await createRun(stack, { route_id: 'openai', input: QUESTION });
    await waitingOf(stack, runId);
    await answer(stack, runId, ANSWER);
    await eventsToEnd(stack, runId);
    spans = await traceOf((await detailsOf(stack, runId)).trace_id);
  });

  const named = (name: string) => spans.filter((span) => span.name === name);
  const only = (name: string) => {
    expect(named(name)).toHaveLength(1);
    return named(name)[0] as CollectedSpan;
  };

  it('is one trace: request, acceptance, run, steps, and in them provider and tool', () => {
    const request = only('POST /v1/runs');
    expect(request.parent).toBe('');
    const accepted = only('journal createRun');
    expect(accepted.parent).toBe(request.span_id);
    const run = only('run');
    expect(run.parent).toBe(accepted.span_id);
    const turns = named('modelTurn');
    expect(turns.map((span) => span.parent)).toEqual([run.span_id, run.span_id]);
    const call = only('toolCall');
    expect(call.parent).toBe(run.span_id);
    expect(named('chat gpt-4.1-mini').map((span) => span.parent)).toEqual(turns.map((span) => span.span_id));
    expect(only('tool shop/note').parent).toBe(call.span_id);
    expect(named('journal completeTurn').map((span) => span.parent)).toEqual(turns.map((span) => span.span_id));
    expect(named('journal appendDeltas')).toEqual([]);
  });

  it('has its steps within its time, and says how each ended', () => {
    const run = only('run');
    const steps = spans.filter(({ parent }) => parent === run.span_id).sort((a, b) => Number(a.started - b.started));
    for (const span of steps) {
      expect(span.started).toBeGreaterThanOrEqual(run.started);
      expect(span.ended).toBeLessThanOrEqual(run.ended + (span === steps.at(-1) ? LAST_STEP_NS : CLOCKS_NS));
    }
    expect(run.attributes).toMatchObject({
      'holdfast.run_id': runId,
      'holdfast.status': 'completed',
      'holdfast.route': 'openai',
    });
    expect(named('modelTurn').map((span) => span.attributes['holdfast.outcome'])).toEqual(['tools', 'ended']);
    const [chat] = named('chat gpt-4.1-mini');
    expect(chat?.attributes).toMatchObject({ 'gen_ai.provider.name': 'openai', 'holdfast.outcome': 'ok' });
    expect(only('tool shop/note').attributes).toMatchObject({
      'holdfast.tool_kind': 'mcp_stdio',
      'holdfast.outcome': 'ok',
    });
    expect(spans.filter((span) => span.error !== undefined)).toEqual([]);
  });
});

it('a trace of the caller goes on in the run, and a failure is told by its code', async () => {
  wire.script('openai', [{ http: { status: 401, body: { error: { message: `Bad key ${TEST_KEY}: ${SAID}` } } } }]);
  const headers = { traceparent: `00-${PARENT_TRACE}-${PARENT_SPAN}-01` };
  const response = await stack.send('POST', '/v1/runs', { body: { route_id: 'openai', input: QUESTION }, headers });
  const { run_id } = (await response.json()) as { run_id: string };
  await eventsToEnd(stack, run_id);
  const spans = await traceOf(PARENT_TRACE);
  const errorOf = (name: string) => spans.find((span) => span.name === name)?.error;
  expect(spans.find((span) => span.name === 'POST /v1/runs')?.parent).toBe(PARENT_SPAN);
  expect([errorOf('chat gpt-4.1-mini'), errorOf('run')]).toEqual(['provider.unauthorized', 'provider.unauthorized']);
});

it('a child is part of the trace of its parent, below the run of it', async () => {
  await stack.send('POST', '/v1/personas', { body: { key: 'lead', tools: ['run_agent'] } });
  const input = '/tool run_agent {"persona": "assistant", "input": "/say Hello."}';
  const id = await createRun(stack, { persona_id: 'lead', input });
  await eventsToEnd(stack, id);
  const { trace_id } = await detailsOf(stack, id);
  const runs = (await traceOf(trace_id)).filter((span) => span.name === 'run');
  const parent = runs.find((span) => span.attributes['holdfast.run_id'] === id);
  const child = runs.find((span) => span.attributes['holdfast.run_id'] !== id);
  expect(child?.parent).toBe(parent?.span_id);
});

it('the collector gets the headers and the name that are configured, and no key and nothing that was said', () => {
  expect(collector.headers.every((it) => it['x-tenant'] === 'ours' && it.path === '/v1/traces')).toBe(true);
  expect([...collector.services]).toEqual(['agents-of-ours']);
  for (const secret of [TEST_KEY, stack.key, QUESTION, SAID, ARGUMENT, ANSWER]) {
    expect(collector.raw().includes(secret)).toBe(false);
  }
});

it('a collector that refuses is told of once, and that it takes spans again', async () => {
  const lines: string[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(line) });
  const refusing = await startCollector();
  refusing.answer(400);
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', refusing.url);
  const { tracing } = await openTelemetry(log);
  for (const batch of [1, 2]) {
    tracing.record(A_SPAN);
    await until(() => refusing.spans.length === batch, `batch ${batch} is sent`);
  }
  refusing.answer(200);
  tracing.record(A_SPAN);
  await tracing.close();
  await refusing.close();
  const said = lines.map((line) => JSON.parse(line) as { level: string; msg: string });
  expect(said.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
    'warn: the collector does not take traces',
    'info: the collector takes traces again',
  ]);
});

it('a collector that is gone does not hold up the end', async () => {
  const gone = await startCollector();
  await gone.close();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', gone.url);
  const { tracing } = await openTelemetry(createLog('silent'));
  tracing.record(A_SPAN);
  const begun = performance.now();
  await tracing.close();
  expect(performance.now() - begun).toBeLessThan(CLOSED_WITHIN_MS);
});

it('without a collector nothing is made, and nobody is asked', async () => {
  const plain = await openWorkshopStack();
  const id = await createRun(plain, 'hello');
  await eventsToEnd(plain, id);
  const { trace_id } = await detailsOf(plain, id);
  expect(plain.telemetry.tracing.on).toBe(false);
  await plain.close();
  expect(collector.spans.filter((span) => span.trace_id === trace_id)).toEqual([]);
});

it.each([
  [{}, 1],
  [{ OTEL_TRACES_SAMPLER_ARG: '0.5' }, 1],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, 0.25],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, 0],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'half' }, 1],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0],
])('%j keeps this share of the traces: %d', (env, share) => {
  expect(sampledShare(env)).toBe(share);
});
