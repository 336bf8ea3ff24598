/** A provider's key stays where it is used: in no event, answer, history, log or table. And no text in Temporal's history. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TEST_KEY, WIRES, wireRoute } from '../wire/collect.ts';
import type { Reply } from '../wire/server.ts';
import { type OnWire, openOnWire } from './on-wire.ts';

const STDERR = 2;
const QUESTION = 'PRIVATE-QUESTION-4711';
const ANSWER = 'PRIVATE-ANSWER-4712';
const OUTPUT = 'PRIVATE-OUTPUT-4713';
const leak = (status: number): Reply => ({
  http: {
    status,
    headers: { 'x-echo': TEST_KEY },
    body: { error: { message: `Incorrect API key provided: ${TEST_KEY} (Bearer ${TEST_KEY}).`, code: 'bad_key' } },
  },
});

let logged = '';
let on: OnWire;
beforeAll(async () => {
  vi.stubEnv('HOLDFAST_LOG', 'trace');
  const write = fs.writeSync;
  vi.spyOn(fs, 'writeSync').mockImplementation(((fd: number, data: string | Uint8Array, ...rest: never[]) => {
    if (fd !== STDERR) return write(fd, data as string, ...rest);
    logged += typeof data === 'string' ? data : Buffer.from(data).toString();
    return Buffer.byteLength(data as string);
  }) as typeof fs.writeSync);
  on = await openOnWire((url) => WIRES.map((wire) => wireRoute(wire, url, { retries: 1 })));
});
afterAll(async () => {
  await on.close();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const text = async (path: string) => await (await on.stack.send('GET', path)).text();

/** Everything readable in the run's history, payloads decoded. */
async function history(runId: string): Promise<string> {
  const { client } = await on.stack.link.connected();
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') found.push(value);
    else if (value instanceof Uint8Array) found.push(Buffer.from(value).toString());
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) walk(part);
  };
  walk(await client.workflow.getHandle(runId).fetchHistory());
  return found.join('\n');
}

describe.each(WIRES)('on the %s wire', (wire) => {
  it.each([
    ['refused', [leak(401)]],
    ['failing', [leak(503)]],
    ['breaking off with an error', [{ text: ['x'], error: { message: `Bad key ${TEST_KEY}` } }]],
    ['well', [{ toolCalls: [{ name: 'ask_user', arguments: { question: OUTPUT } }] }, { text: [OUTPUT, ' and more'] }]],
  ] as [string, Reply[]][])('a run that ends %s keeps its secrets', async (_, replies) => {
    on.wire.script(wire, replies);
    const id = await on.run({ route_id: wire, input: QUESTION, instructions: QUESTION });
    if (replies[0]?.toolCalls) {
      await on.until(id, 'run.waiting_for_input');
      await on.answer(id, { content: ANSWER });
    }
    await on.finish(id);
    const live = await text(`/v1/runs/${id}?include=live`);
    for (const shown of [await text(`/v1/runs/${id}/events`), live, await text('/v1/runs'), await text('/v1/routes')]) {
      expect(shown).not.toContain(TEST_KEY);
    }
    const engine = await history(id);
    for (const secret of [TEST_KEY, QUESTION, ANSWER, OUTPUT]) expect(engine).not.toContain(secret);
    expect(on.wire.requests.length).toBeGreaterThan(0);
  });
});

it('neither the log nor the tables hold the key, nor the log what was said', () => {
  expect(logged).toContain('/v1/runs');
  for (const secret of [TEST_KEY, QUESTION, ANSWER, OUTPUT]) expect(logged).not.toContain(secret);
  const { dataDir } = on.stack.config;
  const files = fs.readdirSync(dataDir).filter((name) => name.startsWith('holdfast.db'));
  expect(files).not.toEqual([]);
  for (const name of files) expect(fs.readFileSync(join(dataDir, name)).includes(TEST_KEY)).toBe(false);
});
