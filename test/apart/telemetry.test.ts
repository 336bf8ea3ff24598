/** API and worker apart: one trace over both, and a run counted by one of them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector } from '../operate/collector.ts';
import { postRun, watch } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { randomPort } from '../support/run-holdfast.ts';
import { until } from '../support/until.ts';

let collector: Awaited<ReturnType<typeof startCollector>>;
let cluster: Cluster;
let metricsPort: number;
beforeAll(async () => {
  collector = await startCollector();
  metricsPort = randomPort(11_000);
  const env = { HOLDFAST_METRICS_PORT: String(metricsPort), OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  cluster = await openCluster({ apis: 1, workers: 1, env });
});
afterAll(async () => {
  await cluster.close();
  await collector.close();
});

it('a run is one trace, and counted once', async () => {
  const api = cluster.apis[0];
  if (!api) throw new Error('no API');
  const { run_id } = await postRun(api, 'hello');
  const { trace_id } = (await api.request('GET', `/v1/runs/${run_id}`)).json;
  await (await watch(api, run_id)).untilClosed();
  const named = (name: string) => collector.spans.filter((span) => span.trace_id === trace_id && span.name === name);
  await until(
    () => named('run').length > 0 && named('modelTurn').length > 0 && named('POST /v1/runs').length > 0,
    'the spans have come',
  );
  expect(named('run')).toHaveLength(1);
  expect(named('journal createRun')[0]?.parent).toBe(named('POST /v1/runs')[0]?.span_id);
  expect(named('run')[0]?.parent).toBe(named('journal createRun')[0]?.span_id);
  expect(named('modelTurn')[0]?.parent).toBe(named('run')[0]?.span_id);
  const ended = async (url: string) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^holdfast_runs_ended_total\{status="completed"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  expect([await ended(api.url), await ended(`http://127.0.0.1:${metricsPort}`)]).toEqual([0, 1]);
});
