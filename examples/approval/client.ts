/** A tool that pays money back waits for a person before each call: the first is approved, the second is denied. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Created } from '../../src/runs/types.ts';
import type { Stage } from '../stage.ts';

/** What the demo model is to do, a line a step. With a real model this is the customer's request. */
const SCRIPT = [
  '/say I will pay both orders back.',
  '/tool shop/refund {"order": "A-1001", "usd": 20}',
  '/tool shop/refund {"order": "A-1002", "usd": 900}',
].join('\n');

const LIMIT_USD = 100;

export async function play({ api, directory, follow, say, check }: Stage): Promise<void> {
  const { run_id } = await api.post<Created>('/v1/runs', { persona_id: 'cashier', input: SCRIPT });

  let output = '';
  for await (const event of follow(run_id, 'cashier')) {
    if (event.type === 'run.completed') output = event.data.output;
    if (event.type !== 'run.waiting_for_input' || event.data.kind !== 'approval') continue;

    // What is approved is exactly what will run: its arguments are frozen.
    const { request_id, tool_calls = [] } = event.data;
    const [{ usd }] = tool_calls.map((call) => call.arguments) as [{ usd: number }];
    const content = usd <= LIMIT_USD ? 'approve' : `deny: more than $${LIMIT_USD} is for the manager to pay back`;
    say(`the person answers: ${content}`);
    await api.post(`/v1/runs/${run_id}/input`, { request_id, content });
  }

  check(output.includes('Paid $20 back for A-1001.'), 'the approved call was made, and the model saw its result');
  check(output.includes('for the manager'), 'the model was told why the other one was denied');
  const ledger = readFileSync(join(directory, 'ledger.jsonl'), 'utf8').trimEnd().split('\n');
  check(ledger.length === 1, 'money was paid back once');
}
