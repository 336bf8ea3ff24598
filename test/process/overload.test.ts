/** Limits that protect: a flood is refused before it costs memory, what was accepted runs, and one tenant's many do not delay another's one. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { TEST_KEY } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createAtOnce } from './load.ts';
import { postRun, watch, wholeStory } from './reader.ts';

const HEAP_MB = 512;
/** The heap, and what is not in it: Temporal's native core, the page cache of SQLite, buffers of sockets. */
const MAX_RSS_MB = HEAP_MB + 384;
const SMALL_HEAP = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` };

/** Their bodies alone are 600 MiB, more than the heap holds, and each is held several times over on its way to the journal. */
const LARGE_CREATES = 700;

/** Long enough for every client to connect and to fill its socket. */
const FREEZE_MS = 2_000;

/** Some 200 bytes each: more than the sockets of both sides hold. */
const CHUNKS = 20_000;

const figures: string[] = [];
afterAll(() => console.log(figures.join('\n')));

/** The most memory that the server's process ever had, in MiB; where the system does not keep that, what it has. */
function peakMb(server: TestServer): number {
  const status = `/proc/${server.pid}/status`;
  const kb = existsSync(status)
    ? /VmHWM:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', String(server.pid)], { encoding: 'utf8' });
  return Math.round(Number(kb) / 1024);
}

async function countRuns(server: TestServer, query: string): Promise<number> {
  const { json } = await server.request('GET', `/v1/runs?limit=200&${query}`);
  return json.length;
}

type Row = { run_id: string; status: string };

/** Every run of the default organisation, newest first. */
async function allRuns(server: TestServer): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const before = rows.length === 0 ? '' : `&before=${rows.at(-1)?.run_id}`;
    const { json } = await server.request('GET', `/v1/runs?limit=200${before}`);
    rows.push(...(json as Row[]));
    if (json.length < 200) return rows;
  }
}

describe('with a heap of 512 MiB', { timeout: 120_000 }, () => {
  it('5,000 creates at once are answered 201, 429 or 503, and what was accepted runs to its end', async () => {
    await using server = await startServer({ yaml: 'limits: { active_runs_per_org: 500 }\n', env: SMALL_HEAP });
    const { counts, withoutRetryAfter, accepted, ms } = await createAtOnce(server, 5_000, { input: 'hello' });
    const statuses = Object.keys(counts);
    expect(statuses.filter((status) => !['201', '429', '503'].includes(status))).toEqual([]);
    expect(withoutRetryAfter).toBe(0);
    expect(accepted.length).toBeGreaterThanOrEqual(500);
    const active = async () => (await countRuns(server, 'status=queued')) + (await countRuns(server, 'status=running'));
    await until(async () => (await active()) === 0, 'every run has ended', 90_000);
    const ended = await allRuns(server);
    expect(ended.map((run) => run.run_id).sort()).toEqual(accepted.sort());
    expect(new Set(ended.map((run) => run.status))).toEqual(new Set(['completed']));
    expect(peakMb(server)).toBeLessThan(MAX_RSS_MB);
    figures.push(`5,000 creates at once: ${JSON.stringify(counts)} in ${Math.round(ms)} ms, ${peakMb(server)} MiB`);
  });

  it('700 creates of 900 KB at once are refused before they fill it', async () => {
    await using server = await startServer({ yaml: 'limits: { active_runs_per_org: 20 }\n', env: SMALL_HEAP });
    // Not one byte a character: the largest form that a text of this size has in memory.
    const input = 'ж'.repeat(450_000);
    const { counts, withoutRetryAfter, ms } = await createAtOnce(server, LARGE_CREATES, { input });
    expect(Object.keys(counts).filter((status) => !['201', '429', '503'].includes(status))).toEqual([]);
    expect(withoutRetryAfter).toBe(0);
    expect(counts['503']).toBeGreaterThan(0);
    expect((await server.request('GET', '/healthz')).status).toBe(200);
    expect(peakMb(server)).toBeLessThan(MAX_RSS_MB);
    figures.push(`700 creates of 900 KB: ${JSON.stringify(counts)} in ${Math.round(ms)} ms, ${peakMb(server)} MiB`);
  });

  it('1,500 clients that connect and send while it stands still are all answered', async () => {
    await using server = await startServer({ env: SMALL_HEAP });
    server.freeze();
    const answered = createAtOnce(server, 1_500, { input: 'ж'.repeat(450_000) }, 'no-key');
    await setTimeout(FREEZE_MS);
    server.thaw();
    expect((await answered).counts).toEqual({ '401': 1_500 });
  });
});

describe('two hundred readers that never read', { timeout: 60_000 }, () => {
  it('cost a cursor each: memory stays, and who reads gets everything', async () => {
    await using server = await startServer({ env: SMALL_HEAP });
    const { run_id } = await postRun(server, `/think ms=1500\n/stream chunks=${CHUNKS} delay_ms=0`);
    const unread = await Promise.all(
      Array.from({ length: 200 }, () => openUnread(server, `/v1/runs/${run_id}/events`)),
    );
    const before = peakMb(server);
    const read = await (await watch(server, run_id)).untilClosed(40_000);
    expect(read.events.filter((event) => event.type === 'message.delta')).toHaveLength(CHUNKS);
    const storyMb = read.text.length / 1_048_576;
    const grownMb = peakMb(server) - before;
    // One page of frames in the socket and one ahead of it, not the story.
    expect(grownMb).toBeLessThan((200 * storyMb) / 4);
    const other = await wholeStory(server, (await postRun(server, 'hello')).run_id);
    expect(other.events.at(-1)?.type).toBe('run.completed');
    figures.push(`200 readers that never read ${storyMb.toFixed(1)} MiB: ${grownMb} MiB more`);
    for (const response of unread) response.destroy();
  });
});

/** A response whose socket nobody reads. */
async function openUnread(server: TestServer, path: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${TEST_KEY}` };
  const outgoing = request(`${server.url}${path}`, { headers, agent: new Agent({ keepAlive: false }) });
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return incoming.pause();
}

describe('one tenant’s 1,000 runs', { timeout: 60_000 }, () => {
  it('do not delay another’s one: it begins before most of them', async () => {
    await using server = await startServer();
    const made = await server.holdfast(['keys', 'create', '--org', 'other', '--scopes', 'admin']);
    const key = made.stdout.trim().split('\n').at(-1) as string;
    const one = async () => {
      const began = performance.now();
      const { json } = await server.request('POST', '/v1/runs', { input: 'hello' }, { key });
      const reader = await watch(server, json.run_id, { key });
      await reader.untilType('run.started');
      const first = performance.now() - began;
      await reader.untilClosed();
      return Math.round(first);
    };
    await one();
    const idle = await one();
    const { accepted } = await createAtOnce(server, 1_000, { input: 'hello' });
    expect(accepted).toHaveLength(1_000);
    const beside = await one();
    const begun = (await allRuns(server)).filter((run) => run.status !== 'queued').length;
    expect(begun).toBeLessThan(500);
    figures.push(`first event beside 1,000 runs of another tenant: ${beside} ms, idle ${idle} ms, ${begun} begun`);
  });
});
