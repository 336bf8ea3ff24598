/** A rolling restart under load: each of two APIs and two workers is stopped with SIGTERM and started again, and no client has to know. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { heldBack } from '../../src/held-back.ts';
import { TERMINAL, wholeStory } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { checkHistory, type SeenEvent, types } from '../support/events.ts';
import type { TestServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { readLines } from '../tools/workshop-stack.ts';
import { BalancedClient } from './rolling/client.ts';
import { stories, type Told } from './rolling/stories.ts';

const WORKSHOP = fileURLToPath(new URL('../mcp/servers/stdio.ts', import.meta.url));
/** Well within the time that a worker which is told to stop leaves to tools with side effects. */
const TOOL_MS = 2_000;
const CLIENTS_OF_A_STORY = 2;
/** What a client may notice of a handover: less than of a worker that is lost, which shows by its heartbeats after 5 s. */
const SILENT_WITHIN_MS = 5_000;
const LAST_RUNS_WITHIN_MS = 40_000;

const directory = temporaryDirectory();
const log = join(directory.path, 'executions.jsonl');
const figures: string[] = [];
let cluster: Cluster;
beforeAll(async () => {
  cluster = await openCluster({
    ...{ apis: 2, workers: 2 },
    yaml: `
routes: [{ id: demo, provider: demo }]
personas: [{ key: assistant, tools: [ask_user, run_agent, shop/*] }]
mcp: { shop: { command: ${process.execPath}, args: [${WORKSHOP}], env: { EXECUTIONS: ${log} } } }
`,
  });
  // A process that is replaced is found where it was.
  for (const api of cluster.apis) api.env.HOLDFAST_PORT = new URL(api.url).port;
});
afterAll(async () => {
  console.log(figures.join('\n'));
  await cluster.close();
  directory.remove();
});

type Stop = { what: string; at: number; took: number };

it('loses nothing, and fails no request that a client tries once more', { timeout: 300_000 }, async () => {
  const client = new BalancedClient(cluster.apis);
  const load = startLoad(client);
  await until(() => load.told.length >= 8, 'the load is under way', 30_000);
  const stops: Stop[] = [];
  for (const server of alternately(cluster.apis, cluster.workers)) {
    stops.push(await Promise.race([restart(server), load.failed]));
  }
  const told = await load.stop();

  report(client, told, stops);
  expect(client.tally.streamsBroken, 'streams cut off').toBe(0);
  expect(longestSilence(told).ms).toBeLessThan(SILENT_WITHIN_MS);
  for (const run of told) await expectWhole(run);
  expectHandedOver(told);
  expectEachOnce(told);
  await expectNoOthers(told);
});

/** Each story by some clients at a time, each beginning anew when its run has ended. `failed` rejects with the first that fails. */
function startLoad(client: BalancedClient) {
  const told: Told[] = [];
  let stopped = false;
  const working = new Set<string>();
  const clients = Object.entries(stories(TOOL_MS)).flatMap(([kind, story]) =>
    Array.from({ length: CLIENTS_OF_A_STORY }, async (_, i) => {
      working.add(`${kind} ${i}`);
      while (!stopped) told.push(await story(client));
      working.delete(`${kind} ${i}`);
    }),
  );
  const all = Promise.all(clients);
  // It may come when nobody listens: `stop` tells, too.
  const failed = heldBack(all.then(() => new Promise<never>(() => undefined)));
  return {
    told,
    failed,
    async stop(): Promise<Told[]> {
      stopped = true;
      const late = AbortSignal.timeout(LAST_RUNS_WITHIN_MS);
      const tooLate = once(late, 'abort').then(() =>
        Promise.reject(new Error(`not ended: ${[...working].join(', ')}`)),
      );
      await Promise.race([all, tooLate]);
      return told;
    },
  };
}

const alternately = <T>(some: T[], others: T[]): T[] => some.flatMap((it, i) => [it, others[i] as T]);

/** SIGTERM, which must end it with 0 within 10 s; the next is started, and waited for until it does its part. */
async function restart(server: TestServer): Promise<Stop> {
  const isWorker = cluster.workers.includes(server);
  const at = Date.now();
  const took = await server.stop();
  const ended = performance.now();
  await server.restart();
  if (isWorker) await cluster.untilPolling(server);
  else await until(async () => (await server.request('GET', '/readyz')).status === 200, 'the API is ready');
  const what = isWorker ? 'worker' : 'API';
  figures.push(`SIGTERM of a ${what}: gone after ${ms(took)}, the next ready ${ms(performance.now() - ended)} later`);
  return { what, at, took };
}

const ms = (value: number) => `${Math.round(value)} ms`;

/** One history without gaps, which is what the client saw; its end, and what it said. */
async function expectWhole({ kind, run_id, thread_id, seen, end, output }: Told): Promise<void> {
  const api = cluster.apis[0] as TestServer;
  const story = await wholeStory(api, run_id);
  checkHistory(story.events);
  expect(seen, `${kind} ${run_id}`).toEqual(story.events);
  const last = seen.at(-1);
  expect(last?.type, `${kind} ${run_id} ${JSON.stringify(last?.data)}`).toBe(end);
  if (output !== undefined) expect(last?.data.output).toContain(output);
  if (end === 'run.cancelled') expect(last?.data.unfinished).toEqual([]);
  const asked = types(seen).filter((type) => type === 'run.waiting_for_input').length;
  expect(types(seen).filter((type) => type === 'run.input_received')).toHaveLength(asked);
  expect((await api.request('GET', `/v1/threads/${thread_id}`)).json.active_run_id).toBeNull();
}

/** No turn lost its worker: each that a worker could not end was given back, and waited for no heartbeat timeout. */
function expectHandedOver(told: Told[]): void {
  const reasons = told.flatMap(({ seen }) => handoversOf(seen).map(({ reason }) => reason));
  expect(reasons).toEqual(reasons.map(() => 'worker_shutdown'));
}

/** No tool acted twice, and each that acted belongs to a run that has its result. */
function expectEachOnce(told: Told[]): void {
  const begun = (existsSync(log) ? readLines(log) : []).filter(({ state }) => state === 'begun');
  const ids = begun.map(({ call_id }) => call_id);
  expect(new Set(ids).size).toBe(ids.length);
  const results = told
    .filter(({ kind }) => kind === 'tool')
    .flatMap(({ seen }) => seen.filter(({ type }) => type === 'tool.result'));
  expect(results.map(({ data }) => data.status)).toEqual(results.map(() => 'ok'));
  expect(results.map(({ data }) => data.call_id).sort()).toEqual(ids.sort());
}

/** A create that was sent twice made one run: there is no run of which no client knows, children apart. */
async function expectNoOthers(told: Told[]): Promise<void> {
  const api = cluster.apis[1] as TestServer;
  const roots: string[] = [];
  for (let before = ''; ; ) {
    const { json } = await api.request('GET', `/v1/runs?limit=200${before}`);
    const rows = json as { run_id: string; status: string; parent_run_id: string | null }[];
    for (const { run_id, status } of rows) expect(['completed', 'cancelled'], run_id).toContain(status);
    roots.push(...rows.map(({ run_id }) => run_id));
    if (rows.length < 200) break;
    before = `&before=${rows.at(-1)?.run_id}`;
  }
  const children = told.filter(({ kind }) => kind === 'child').length;
  expect(roots).toHaveLength(told.length + children);
  expect(roots).toEqual(expect.arrayContaining(told.map(({ run_id }) => run_id)));
}

function report({ tally }: BalancedClient, told: Told[], stops: Stop[]): void {
  const handovers = told.flatMap(({ kind, seen }) => handoversOf(seen).map((it) => ({ kind, ...it })));
  const resumed = stops.filter(({ what }) => what === 'worker').map(({ at }) => handovers.filter((it) => it.at > at));
  figures.push(
    `${told.length} runs of ${2 * Object.keys(stories(0)).length} clients, ${tally.requests} requests, tried again: ${JSON.stringify(tally.retried)}`,
    `streams that ended with their API: ${tally.streamsEnded}, cut off: ${tally.streamsBroken}`,
    `turns handed over: ${handovers.length}; silence ${handovers.map(({ silenceMs }) => silenceMs).join(', ')} ms; after SIGTERM ${resumed.map((of) => of.length).join(', ')}`,
    `longest silence in a run that streams: ${JSON.stringify(longestSilence(told))}`,
  );
}

type Handover = { at: number; silenceMs: number; reason: unknown };

/** For each turn that another attempt took over: when, and for how long nothing was said around it. */
function handoversOf(seen: SeenEvent[]): Handover[] {
  return seen.flatMap((event, i) => {
    if (event.type !== 'message.reset') return [];
    const before = Date.parse(seen[i - 1]?.created_at ?? '');
    const next = seen.slice(i).find(({ type }) => type === 'message.delta' || TERMINAL.includes(type));
    const at = Date.parse(event.created_at);
    return [{ at, silenceMs: Date.parse(next?.created_at ?? '') - before, reason: event.data.reason }];
  });
}

/** What a turn takes to its first word is left out: it says how busy the machine is, not how the turn came to its worker. */
function longestSilence(told: Told[]) {
  let longest = { kind: '', ms: 0, before: '', after: '' };
  for (const { kind, seen } of told.filter(({ kind }) => kind.includes('stream'))) {
    for (const [i, event] of seen.entries()) {
      const before = seen[i - 1];
      if (before?.type === 'turn.started' && event.type === 'message.delta') continue;
      const silence = before ? Date.parse(event.created_at) - Date.parse(before.created_at) : 0;
      if (silence > longest.ms) longest = { kind, ms: silence, before: before?.type ?? '', after: event.type };
    }
  }
  return longest;
}
