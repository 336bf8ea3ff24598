/** The filesystem server of the Model Context Protocol in a directory of the example's own: list, write, read back. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Created } from '../../src/runs/types.ts';
import type { Stage } from '../stage.ts';

const STOCK = 'rope, 20 m: 3\ncleat, brass: 0\n';
const ORDER = 'cleat, brass: 12';

/** What the demo model is to do, a line a step. With a real model this is a request in plain words. */
const SCRIPT = [
  '/say Let me see what is there.',
  '/tool files/list_directory {"path": "."}',
  '/tool files/read_text_file {"path": "stock.txt"}',
  '/say There are no cleats left, so I order some.',
  `/tool files/write_file ${JSON.stringify({ path: 'order.txt', content: ORDER })}`,
  '/tool files/read_text_file {"path": "order.txt"}',
].join('\n');

export async function play({ api, directory, follow, say, check }: Stage): Promise<void> {
  writeFileSync(join(directory, 'stock.txt'), STOCK);
  const { run_id } = await api.post<Created>('/v1/runs', { persona_id: 'clerk', input: SCRIPT });

  const asked: string[] = [];
  let output = '';
  for await (const event of follow(run_id, 'clerk')) {
    if (event.type === 'run.completed') output = event.data.output;
    if (event.type !== 'run.waiting_for_input' || event.data.kind !== 'approval') continue;

    asked.push(event.data.tool_calls?.[0]?.name ?? '');
    say('the person answers: approve');
    await api.post(`/v1/runs/${run_id}/input`, { request_id: event.data.request_id, content: 'approve' });
  }

  check(
    asked.join() === 'files/write_file',
    'only the write had to be approved: the other tools say that they only read',
  );
  check(readFileSync(join(directory, 'order.txt'), 'utf8') === ORDER, 'the file was written');
  check(output.includes(`files/read_text_file returned ${ORDER}`), 'the model read it back');
}
