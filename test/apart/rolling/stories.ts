/** What clients of the rolling restart do, each again and again: one run a story, followed to its end. */
import { randomText } from '../../../src/ids.ts';
import { isTerminal } from '../../process/reader.ts';
import type { SeenEvent } from '../../support/events.ts';
import type { BalancedClient } from './client.ts';

/** What a client knows of its run when it has ended. */
export type Told = {
  kind: string;
  run_id: string;
  thread_id: string;
  seen: SeenEvent[];
  end: 'run.completed' | 'run.cancelled';
  /** What the output of the run must hold. */
  output?: string;
};

type Story = (client: BalancedClient) => Promise<Told>;

const isWaiting = (event: SeenEvent) => event.type === 'run.waiting_for_input';

async function create(client: BalancedClient, body: object): Promise<{ run_id: string; thread_id: string }> {
  const { status, json, text } = await client.request('POST', '/v1/runs', { body, key: randomText(16) });
  if (status !== 201) throw new Error(`create: ${status} ${text}`);
  return json;
}

async function answer(client: BalancedClient, run_id: string, request: SeenEvent, content: string): Promise<void> {
  const body = { content, request_id: request.data.request_id };
  const answered = await client.request('POST', `/v1/runs/${run_id}/input`, { body, key: randomText(16) });
  if (answered.status !== 200) throw new Error(`answer: ${answered.status} ${answered.text}`);
}

/** To the run's end. */
async function toEnd(client: BalancedClient, run_id: string, seen: SeenEvent[], first?: Response): Promise<void> {
  await client.follow(run_id, seen, isTerminal, first);
}

async function plain(kind: string, client: BalancedClient, body: object, output?: string): Promise<Told> {
  const run = await create(client, body);
  const seen: SeenEvent[] = [];
  await toEnd(client, run.run_id, seen);
  return { kind, ...run, seen, end: 'run.completed', ...(output === undefined ? {} : { output }) };
}

/** `toolMs`: how long a call of a tool with side effects takes. */
export const stories = (toolMs: number): Record<string, Story> => ({
  stream: (client) => plain('stream', client, { input: '/stream chunks=120 delay_ms=25' }),
  'long stream': (client) => plain('long stream', client, { input: '/stream chunks=300 delay_ms=30' }),
  silence: (client) => plain('silence', client, { input: '/think ms=3000\n/say thought' }, 'thought'),
  'streamed create': async (client) => {
    const asked = { body: { input: '/stream chunks=80 delay_ms=25' }, key: randomText(16) };
    const response = await client.open('POST', '/v1/runs', { ...asked, headers: { accept: 'text/event-stream' } });
    if (response.status !== 201) throw new Error(`create: ${response.status} ${await response.text()}`);
    const run_id = response.headers.get('x-run-id') ?? '';
    const seen: SeenEvent[] = [];
    await toEnd(client, run_id, seen, new Response(response.body, { status: 200 }));
    const { json } = await client.request('GET', `/v1/runs/${run_id}`);
    return { kind: 'streamed create', run_id, thread_id: json.thread_id, seen, end: 'run.completed' };
  },
  question: async (client) => {
    const run = await create(client, { input: '/ask Which colour?\n/ask Which shade?' });
    const seen: SeenEvent[] = [];
    const colour = await client.follow(run.run_id, seen, isWaiting);
    await answer(client, run.run_id, colour, 'blue');
    const shade = await client.follow(run.run_id, seen, (event) => isWaiting(event) && event.seq > colour.seq);
    const said = `pale ${randomText(6)}`;
    await answer(client, run.run_id, shade, said);
    await toEnd(client, run.run_id, seen);
    return { kind: 'question', ...run, seen, end: 'run.completed', output: said };
  },
  tool: (client) => plain('tool', client, { input: `/tool shop/slow {"ms":${toolMs}}\n/say done` }, 'done'),
  child: (client) => {
    const task = JSON.stringify({ persona: 'assistant', input: '/stream chunks=60 delay_ms=25' });
    return plain('child', client, { input: `/tool run_agent ${task}\n/say done` }, 'done');
  },
  cancel: async (client) => {
    const run = await create(client, { input: '/stream chunks=2000 delay_ms=30' });
    const seen: SeenEvent[] = [];
    await client.follow(run.run_id, seen, (event) => event.seq > 30);
    const { status, text } = await client.request('POST', `/v1/runs/${run.run_id}:cancel`, { key: randomText(16) });
    if (status !== 200) throw new Error(`cancel: ${status} ${text}`);
    await toEnd(client, run.run_id, seen);
    return { kind: 'cancel', ...run, seen, end: 'run.cancelled' };
  },
});
