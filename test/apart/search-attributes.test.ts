/** A cluster that has never seen Holdfast: its search attributes are added, and no run waits until every service knows them. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { Engine } from '../../src/temporal/engine.ts';
import { openLink } from '../../src/temporal/link.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';
import { startTemporalCluster, type TemporalCluster } from '../support/temporal-cluster.ts';
import { until } from '../support/until.ts';

/** Processes that come first at the same time. */
const PROCESSES = 4;

let temporal: TemporalCluster;
beforeAll(async () => {
  const options = { postgresUrl: inject('postgresUrl'), prefix: inject('postgresPrefix') };
  temporal = await startTemporalCluster(options);
});
afterAll(() => temporal.stop());

it('of several processes that come first each starts runs at once, and soon with what they are found by', async () => {
  const options = { namespace: 'default', address: Promise.resolve(temporal.address), log: createLog('silent') };
  const links = Array.from({ length: PROCESSES }, () => openLink(options));
  const run = (run_id: string) => ({
    ...{ org_id: 'org_a', run_id, thread_id: 'thread', epoch: 0, persona: 'assistant', model: 'demo' },
  });
  const count = async (query: string) => {
    const { client } = await (links[0] as (typeof links)[0]).connected();
    return (await client.workflow.count(query)).count;
  };
  await Promise.all(
    links.map(async (link, i) => {
      const connected = await link.connected();
      const engine = new Engine(link, 'nobody');
      expect(await engine.start(run(`run_first_${i}`))).toBe(true);
      await until(() => connected.searchable, 'the cluster takes the search attributes');
      expect(await engine.start(run(`run_later_${i}`))).toBe(true);
    }),
  );
  const found = async () => (await count("HoldfastOrg = 'org_a'")) >= PROCESSES;
  await until(found, 'the later runs are found by their organisation');
  const { connection } = await (links[0] as (typeof links)[0]).connected();
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
  expect(Object.keys(customAttributes ?? {}).sort()).toEqual([...SEARCH_ATTRIBUTES].sort());
  await Promise.all(links.map((link) => link.close()));
});
