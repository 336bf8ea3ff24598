/** An MCP server over stdio with one tool that has side effects: it pays money back, a line in the file `LEDGER` for each. */
import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const { LEDGER } = process.env;
if (!LEDGER) throw new Error('LEDGER names no file');

const server = new McpServer({ name: 'shop', version: '1.0.0' });
server.registerTool(
  'refund',
  {
    description: 'Pay the money of an order back to its customer.',
    inputSchema: { order: z.string(), usd: z.number().positive() },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  },
  ({ order, usd }, { _meta }) => {
    // The same for every execution of one call: a payment provider takes it as the idempotency key.
    const key = _meta?.['holdfast/call_id'];
    appendFileSync(LEDGER, `${JSON.stringify({ order, usd, key })}\n`);
    return { content: [{ type: 'text', text: `Paid $${usd} back for ${order}.` }] };
  },
);
await server.connect(new StdioServerTransport());
