/**
 * A model provider as a process of its own, which may be killed or frozen: chat completions that do what the plan in the run's input
 * says. `node provider.ts <port> <log>`; a line of JSON in the log for each answer begun and each that closed.
 */
import { appendFileSync } from 'node:fs';
import type { Reply } from '../../wire/reply.ts';
import { startWire, type WireRequest } from '../../wire/server.ts';
import { chunksOf, type Plan, planIn } from '../plan.ts';

/** `at` in milliseconds since the epoch. An answer that closed whole was sent to its end. */
export type ProviderLine = { at: number; pid: number; n: number; plan: string; turn: number } & (
  | { state: 'begun' }
  | { state: 'closed'; whole: boolean }
);

type Message = { role: string; content?: unknown };

const [port, log] = process.argv.slice(2);
if (log === undefined) throw new Error('usage: provider.ts <port> <log>');

let answers = 0;

function reply(request: WireRequest): Reply {
  const messages = request.body.messages as Message[];
  const { plan, after } = planOf(messages);
  const turn = after.filter(({ role }) => role === 'assistant').length;
  const line = { pid: process.pid, n: answers++, plan: plan.plan, turn };
  write({ ...line, at: Date.now(), state: 'begun' });
  void request.closed.then(() => write({ ...line, at: Date.now(), state: 'closed', whole: request.completed }));
  const results = after.filter(({ role }) => role === 'tool').map(({ content }) => textOf(content));
  const now = plan.turns[turn] ?? {};
  const { calls = [], delay_ms = 0 } = 'echo' in now ? {} : now;
  const text = chunksOf(plan, turn, results);
  return {
    ...(text.length > 0 ? { text, delayMs: delay_ms } : {}),
    ...(calls.length > 0 ? { toolCalls: calls.map((call, i) => ({ ...call, id: `${plan.plan}_${turn}_${i}` })) } : {}),
  };
}

/** The newest plan that was asked for, and what has come after it. */
function planOf(messages: Message[]): { plan: Plan; after: Message[] } {
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    const plan = message?.role === 'user' ? planIn(textOf(message.content)) : undefined;
    if (plan) return { plan, after: messages.slice(i + 1) };
  }
  return { plan: { plan: 'none', turns: [] }, after: messages };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map((part) => (part as { text?: string }).text ?? '').join('') : '';
}

function write(line: ProviderLine): void {
  appendFileSync(log as string, `${JSON.stringify(line)}\n`);
}

const wire = await startWire({ 'openai-compatible': reply }, { port: Number(port), keepRequests: false });
process.stdout.write(`ready ${wire.url}\n`);
