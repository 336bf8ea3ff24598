/** The run that is killed everywhere: two tools at once, an approval, a child run that uses a tool itself, an answer. */
import { fileURLToPath } from 'node:url';
import { said, transcript } from '../../providers/transcript.ts';
import { wireRoute } from '../../wire/collect.ts';
import type { Reply, WireRequest } from '../../wire/server.ts';

const WORKSHOP = fileURLToPath(new URL('../../mcp/servers/stdio.ts', import.meta.url));

/** How long the tool works that others run beside. */
const SLOW_MS = 60;

/** What the workshop's tools answer. `put` may be repeated; the others have side effects. */
export const ANSWERS: Record<string, string> = {
  'shop/slow': 'slow and done',
  'shop/put': 'put',
  'shop/note': 'noted it',
};
export const hasSideEffects = (tool: string) => tool === 'shop/slow' || tool === 'shop/note';

/** Tokens that each turn's provider counts. */
export const TURN_USAGE = { input: 10, output: 5 };
export const TURNS = { lead: 4, helper: 2 };

/** holdfast.yaml: the model's replies come from `wireUrl`, the tools write what they execute to `log`. */
export const yaml = (wireUrl: string, log: string) => `
routes: [${JSON.stringify(wireRoute('openai-compatible', wireUrl))}]
personas:
  - { key: lead, instructions: You lead., tools: [shop/slow, shop/put, shop/note, run_agent], approval: { shop/note: always } }
  - { key: helper, instructions: You help., tools: [shop/note] }
mcp:
  shop: { command: ${process.execPath}, args: [${WORKSHOP}], env: { EXECUTIONS: ${log} } }
`;

/** One text delta at most a turn: more would share commits as the disk pleases, and could not be counted. */
const lead: Reply[] = [
  {
    text: ['Two things first.'],
    toolCalls: [
      { name: 'shop_slow', arguments: { ms: SLOW_MS } },
      { name: 'shop_put', arguments: {} },
    ],
  },
  { toolCalls: [{ name: 'shop_note', arguments: { text: 'it' } }] },
  { toolCalls: [{ name: 'run_agent', arguments: { persona: 'helper', input: 'Note it too.' } }] },
  { text: ['All is done.'] },
];
const helper: Reply[] = [{ toolCalls: [{ name: 'shop_note', arguments: { text: 'it' } }] }, { text: ['It is noted.'] }];

/** The model: what it replies follows from what it is told alone. */
export function reply(request: WireRequest): Reply {
  const lines = transcript(request);
  const results = lines.filter((line) => line.role === 'result').length;
  const isLead = said(lines)[0] === 'system You lead.';
  const next = isLead ? lead[Math.max(0, results - 1)] : helper[results];
  if (!next) throw new Error(`the model was told too much: ${said(lines).join(' | ')}`);
  return { ...next, usage: TURN_USAGE };
}
