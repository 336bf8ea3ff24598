/** The Temporal cluster goes away under API and worker, and comes back: nothing that was accepted is lost, nothing is done twice. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { postRun, watch, wholeStory } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { checkHistory, types } from '../support/events.ts';
import type { TestServer } from '../support/server.ts';
import { startTemporalCluster, type TemporalCluster } from '../support/temporal-cluster.ts';
import { until } from '../support/until.ts';

/** From Temporal's return to the end of runs that need a moment's work each. */
const ENDED_WITHIN_MS = 40_000;

let temporal: TemporalCluster;
let cluster: Cluster;
let api: TestServer;
beforeAll(async () => {
  // One of its own: the others' is not to be killed.
  const options = { postgresUrl: inject('postgresUrl'), prefix: inject('postgresPrefix') };
  temporal = await startTemporalCluster(options);
  cluster = await openCluster({ apis: 1, workers: 1, env: { TEMPORAL_ADDRESS: temporal.address } });
  [api] = cluster.apis as [TestServer];
});
afterAll(async () => {
  await cluster.close();
  await temporal.stop();
});

describe.each([
  { outage: 'killed', begin: () => temporal.kill(), end: () => temporal.restart() },
  { outage: 'frozen', begin: async () => temporal.freeze(), end: async () => temporal.thaw() },
])('with the Temporal cluster $outage', { timeout: 90_000 }, ({ begin, end }) => {
  it('a run streams on, an answer and a run are accepted, and all three end when it is back', async () => {
    const { run_id: asking } = await postRun(api, '/ask Which colour?\n/say Done.');
    await (await watch(api, asking)).untilType('run.waiting_for_input');
    // 6 s, so that it streams still when Temporal is gone.
    const { run_id: streaming } = await postRun(api, '/stream chunks=240 delay_ms=25');
    const reader = await watch(api, streaming);
    await reader.until((event) => event.seq > 5, 'the run streams');

    await begin();
    const seen = reader.events.length;
    expect((await api.request('POST', `/v1/runs/${asking}/input`, { content: 'blue' })).status).toBe(200);
    const { run_id: accepted } = await postRun(api, '/say hello');
    await until(() => reader.events.length > seen + 5, 'it streams without Temporal');
    await until(async () => (await api.request('GET', '/readyz')).status === 503, 'the API says that Temporal is away');
    await end();

    const back = performance.now();
    for (const run_id of [asking, streaming, accepted]) {
      const story = await wholeStory(api, run_id, ENDED_WITHIN_MS);
      checkHistory(story.events);
      expect(story.events.at(-1)?.type).toBe('run.completed');
      expect(types(story.events).filter((type) => type === 'run.started')).toHaveLength(1);
    }
    console.log(`all runs ended ${Math.round(performance.now() - back)} ms after Temporal was back`);
    await until(async () => (await api.request('GET', '/readyz')).status === 200, 'the API is ready again', 20_000);
  });
});
