/** A worker killed inside a tool: a tool with side effects is never run again without a person's word. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { readLines } from '../tools/workshop-stack.ts';

const WORKSHOP = fileURLToPath(new URL('../mcp/servers/stdio.ts', import.meta.url));

/** `shop` has side effects, `safe` is the same server of which the configuration says that it has none. */
const yaml = (log: string) => `
routes: [{ id: demo, provider: demo }]
personas: [{ key: assistant, tools: [shop/*, safe/*] }]
mcp:
  shop: { command: ${process.execPath}, args: [${WORKSHOP}], env: { EXECUTIONS: ${log} } }
  safe: { command: ${process.execPath}, args: [${WORKSHOP}], env: { EXECUTIONS: ${log} } }
tools:
  safe/slow: { side_effects: false }
`;

async function startWithWorkshop(directory: string) {
  const log = join(directory, 'executions.jsonl');
  const server = await startServer({ yaml: yaml(log) });
  const begun = () => (existsSync(log) ? readLines(log).filter((line) => line.state === 'begun') : []);
  return { server, begun };
}

async function killInside(server: TestServer, tool: string, begun: () => unknown[]): Promise<string> {
  const { json } = await server.request('POST', '/v1/runs', { input: `/tool ${tool} {"ms": 4000}` });
  await until(() => begun().length === 1, 'the tool has begun');
  await server.kill();
  await server.restart();
  return json.run_id;
}

const details = async (server: TestServer, id: string) => (await server.request('GET', `/v1/runs/${id}`)).json;
const ended = (server: TestServer, id: string) =>
  until(async () => (await details(server, id)).status === 'completed', 'the run is completed', 30_000);

describe('a call whose worker was killed', { timeout: 270_000 }, () => {
  it('asks what became of it when its tool has side effects, and is made again only when told to', async () => {
    await using directory = await own();
    const { server, begun } = await startWithWorkshop(directory.path);
    await using _server = server;
    const id = await killInside(server, 'shop/slow', begun);
    const asked = await until(async () => (await details(server, id)).pending_inputs[0], 'a request is open', 30_000);
    expect(asked).toMatchObject({ kind: 'unknown_outcome', options: ['retry', 'skip', 'result: <text>'] });
    expect(asked.tool_calls).toMatchObject([{ name: 'shop/slow', arguments: { ms: 4000 } }]);
    expect(begun()).toHaveLength(1);
    expect((await server.request('POST', `/v1/runs/${id}/input`, { content: 'maybe' })).status).toBe(422);
    await server.request('POST', `/v1/runs/${id}/input`, { content: 'retry' });
    await ended(server, id);
    expect(begun().map((line) => line.call_id)).toEqual([asked.tool_calls[0].call_id, asked.tool_calls[0].call_id]);
  });

  it('takes what a person knows as its result', async () => {
    await using directory = await own();
    const { server, begun } = await startWithWorkshop(directory.path);
    await using _server = server;
    const id = await killInside(server, 'shop/slow', begun);
    await until(async () => (await details(server, id)).pending_inputs[0], 'a request is open', 30_000);
    await server.request('POST', `/v1/runs/${id}/input`, { content: 'result: it was sent' });
    await ended(server, id);
    const { text } = await server.request('GET', `/v1/runs/${id}/events`);
    expect(text).toContain('it was sent');
    expect(begun()).toHaveLength(1);
  });

  it('is made again with the same call id when its tool may be repeated', async () => {
    await using directory = await own();
    const { server, begun } = await startWithWorkshop(directory.path);
    await using _server = server;
    const id = await killInside(server, 'safe/slow', begun);
    await ended(server, id);
    const ids = begun().map((line) => line.call_id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });
});

/** A directory that is removed with the test. */
async function own(): Promise<{ path: string } & AsyncDisposable> {
  const { path, remove } = temporaryDirectory();
  return { path, [Symbol.asyncDispose]: async () => remove() };
}
