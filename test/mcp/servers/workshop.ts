/** An MCP server that keeps a log of what it executes and misbehaves on request. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  type ServerNotification,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';

/** `at` in milliseconds since the epoch. */
export type Execution = { tool: string; call_id: string; state: 'begun' | 'ended' | 'cancelled'; at: number };

type Arguments = { text?: string; ms?: number; bytes?: number; steps?: number };
type Extra = {
  signal: AbortSignal;
  id: string | number;
  token: string | number | undefined;
  execution: Pick<Execution, 'tool' | 'call_id'>;
};

const PAGE_SIZE = 4; // so that the list has several pages

const number = { type: 'number' };
const schema = (properties: Tool['inputSchema']['properties'], required: string[] = []): Tool['inputSchema'] => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'the-same-for-all',
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const tools: Tool[] = [
  { name: 'note', inputSchema: schema({ text: { type: 'string' } }, ['text']) },
  { name: 'look', inputSchema: schema({}), annotations: { readOnlyHint: true } },
  { name: 'put', inputSchema: schema({}), annotations: { idempotentHint: true, destructiveHint: false } },
  { name: 'slow', inputSchema: schema({ ms: number }, ['ms']) },
  { name: 'slow_heeding', inputSchema: schema({ ms: number }, ['ms']) },
  { name: 'slow_deaf', inputSchema: schema({ ms: number }, ['ms']) },
  { name: 'steps', inputSchema: schema({ steps: number, ms: number }, ['steps']) },
  { name: 'die', inputSchema: schema({}) },
  { name: 'die_reading', inputSchema: schema({}), annotations: { readOnlyHint: true } },
  { name: 'babble', inputSchema: schema({}) },
  { name: 'hang', inputSchema: schema({}) },
  { name: 'learn', inputSchema: schema({}) },
  { name: 'big', inputSchema: schema({ bytes: number, ms: number }, ['bytes']) },
  { name: 'refuse', inputSchema: schema({}) },
];

/** `die` is what the server does when it is told to; `raw` writes to its connection past the SDK. */
export function createWorkshop(options: { log: string; die(): void; raw(text: string): void }): Server {
  const learned: Tool[] = [];
  const server = new Server({ name: 'workshop', version: '1.0.0' }, { capabilities: { tools: { listChanged: true } } });
  const record = (execution: Pick<Execution, 'tool' | 'call_id'>, state: Execution['state']) =>
    appendFileSync(options.log, `${JSON.stringify({ ...execution, state, at: Date.now() })}\n`);
  const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });

  const run: Record<string, (args: Arguments, extra: Extra) => Promise<CallToolResult> | CallToolResult> = {
    note: (args) => text(`noted ${args.text}`),
    look: () => text('seen'),
    put: () => text('put'),
    slow: async ({ ms }) => {
      await delay(ms);
      return text('slow and done');
    },
    slow_heeding: async ({ ms }, { signal, id, execution }) => {
      await delay(ms, undefined, { signal }).catch((error) => {
        record(execution, 'cancelled');
        options.raw(JSON.stringify({ jsonrpc: '2.0', id, error: { code: 0, message: 'Request cancelled' } }));
        throw error;
      });
      return text('heeding and done');
    },
    slow_deaf: async ({ ms }) => {
      await delay(ms);
      return text('deaf and done');
    },
    steps: async ({ steps = 1, ms = 0 }, { token, id }) => {
      for (let progress = 1; progress <= steps; progress++) {
        await delay(ms);
        if (token === undefined) continue;
        const notification: ServerNotification = {
          method: 'notifications/progress',
          params: { progressToken: token, progress, total: steps, message: `step ${progress}` },
        };
        await server.notification(notification, { relatedRequestId: id });
      }
      return text('all steps done');
    },
    die: async () => {
      options.die();
      return await new Promise(() => undefined);
    },
    die_reading: async () => {
      options.die();
      return await new Promise(() => undefined);
    },
    babble: () => {
      options.raw('this is not JSON');
      options.raw('{"jsonrpc": "2.0", "id": {}, "result": 7}');
      options.raw('{"half": ');
      return text('babbled');
    },
    hang: () => {
      for (;;);
    },
    learn: async () => {
      learned.push({ name: `trick_${learned.length + 1}`, inputSchema: { type: 'object' } });
      await server.sendToolListChanged();
      return text('learned');
    },
    big: async ({ bytes = 0, ms = 0 }) => {
      await delay(ms);
      return text('é'.repeat(bytes / 2));
    },
    refuse: () => ({ ...text('not today'), isError: true }),
  };

  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    const all = [...tools, ...learned];
    const from = Number(params?.cursor ?? 0);
    const next = from + PAGE_SIZE;
    return { tools: all.slice(from, next), ...(next < all.length && { nextCursor: String(next) }) };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, requestId, _meta }) => {
    const execution = { tool: params.name, call_id: String(_meta?.['holdfast/call_id']) };
    record(execution, 'begun');
    const extra = { signal, id: requestId, token: _meta?.progressToken, execution };
    const result = await (run[params.name] ?? (() => text(`${params.name} is a trick`)))(params.arguments ?? {}, extra);
    record(execution, 'ended');
    return result;
  });
  return server;
}
