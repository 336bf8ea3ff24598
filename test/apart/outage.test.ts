/** The database goes away under API and worker, and comes back: what streams goes on, what waits is answered. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postRun, watch, wholeStory } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { checkHistory, types } from '../support/events.ts';
import { holdTransaction } from '../support/held-transaction.ts';
import { createDatabase, onDatabase, throughProxy } from '../support/postgres-database.ts';
import { startProxy } from '../support/proxy.ts';
import type { TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

let url: string;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let cluster: Cluster;
let api: TestServer;
beforeAll(async () => {
  url = await createDatabase();
  proxy = await startProxy(new URL(url).host);
  cluster = await openCluster({ apis: 1, workers: 1, env: { DATABASE_URL: throughProxy(url, proxy) } });
  [api] = cluster.apis as [TestServer];
});
afterAll(async () => {
  await cluster.close();
  await proxy.close();
});

describe('with the database out of reach', { timeout: 60_000 }, () => {
  it('a run that streams is stalled and goes on, its reader connected all the while; nothing else is accepted', async () => {
    const { run_id } = await postRun(api, '/stream chunks=100 delay_ms=20\n/ask Which?');
    const reader = await watch(api, run_id);
    await reader.until((event) => event.seq > 10, 'the run streams');
    proxy.cut();
    const isRefused = async () => (await api.request('POST', '/v1/runs', { input: 'lost' })).status === 503;
    await until(isRefused, 'creates are refused');
    expect(reader.end).toBeUndefined();
    proxy.restore();
    await reader.untilType('run.waiting_for_input', 30_000);
    expect((await api.request('POST', `/v1/runs/${run_id}/input`, { content: 'blue' })).status).toBe(200);
    await reader.untilClosed();
    checkHistory(reader.events);
    expect(reader.events.at(-1)?.type).toBe('run.completed');
    expect(types(reader.events)).not.toContain('message.reset');
    expect((await wholeStory(api, run_id)).text).toBe(reader.text);
    // The creates that were refused left nothing.
    expect((await api.request('GET', '/v1/runs')).json).toHaveLength(1);
  });
});

describe('a connection that is lost', () => {
  it('while a create reads its persona: the database is away, not the persona', async () => {
    const refused = await losingReads('personas', async (untilLost) => {
      const create = api.request('POST', '/v1/runs', { persona_id: 'assistant', input: 'hello' });
      await untilLost();
      return await create;
    });
    expect(refused).toMatchObject({ status: 503, json: { code: 'journal.unavailable' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('while a create reads what it has made: it reads again, and nobody makes a second', async () => {
    const runs = async () => (await api.request('GET', '/v1/runs?limit=100')).json.length;
    const before = await runs();
    const body = { assistant_id: 'assistant', thread: { messages: [{ role: 'user', content: 'hello' }] } };
    const made = await losingReads('inputs', async (untilLost) => {
      const create = api.request('POST', '/openai/v1/threads/runs', body);
      await untilLost();
      return await create;
    });
    expect(made).toMatchObject({ status: 200, json: { object: 'thread.run' } });
    expect(await runs()).toBe(before + 1);
  });

  it('while a turn reads its prompt: it reads again, and no worker counts as lost', async () => {
    const { run_id } = await postRun(api, '/ask Which?');
    const reader = await watch(api, run_id);
    await reader.untilType('run.waiting_for_input');
    await losingReads('messages', async (untilLost) => {
      expect((await api.request('POST', `/v1/runs/${run_id}/input`, { content: 'blue' })).status).toBe(200);
      await untilLost();
    });
    await reader.untilClosed();
    checkHistory(reader.events);
    expect(types(reader.events)).not.toContain('message.reset');
    expect(types(reader.events).filter((type) => type === 'turn.started')).toHaveLength(2);
    expect(reader.events.at(-1)?.type).toBe('run.completed');
  });
});

/** Does `work` while nobody can read a table; `untilLost` waits for one who tries, and ends its connection. */
async function losingReads<T>(table: string, work: (untilLost: () => Promise<void>) => Promise<T>): Promise<T> {
  const held = await holdTransaction(url);
  await held.query(`lock table ${table} in access exclusive mode`);
  const reading = `from pg_stat_activity where wait_event_type = 'Lock' and query like 'select%from "${table}"%'`;
  const untilLost = async () => {
    const isReading = async () => (await onDatabase(url, `select 1 ${reading}`)).length > 0;
    await until(isReading, `somebody reads ${table}`);
    await onDatabase(url, `select pg_terminate_backend(pid) ${reading}`);
    await held.rollBack();
  };
  return await work(untilLost);
}
