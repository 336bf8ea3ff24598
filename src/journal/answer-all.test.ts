/** Several answers in one transaction: all are accepted, or none. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type ClockedJournal,
  clientCall,
  openClockedJournal,
  question,
  type RunIds,
} from '../../test/support/clocked-journal.ts';
import type { Answer } from '../runs/types.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

async function waiting(): Promise<{ run: RunIds; ask: string; outputs: string; call_id: string }> {
  const run = await journal.create();
  await journal.turnWith(run, [question('Why?'), clientCall('f')]);
  const requests = await journal.requests(run);
  const idOf = (kind: string) => requests.find((request) => request.kind === kind)?.id ?? '';
  const call = await journal.db.selectFrom('calls').select('call_id').where('kind', '=', 'client').executeTakeFirst();
  return { run, ask: idOf('question'), outputs: idOf('tool_outputs'), call_id: call?.call_id ?? '' };
}

const answerAll = (run: RunIds, answers: (Answer & { request_id: string })[]) =>
  journal.write('answerAll', { org_id: run.org_id, run_id: run.run_id, answers });

it('one commit holds them all, and says where it begins', async () => {
  const { run, ask, outputs, call_id } = await waiting();
  const before = (await journal.row(run)).last_seq;
  const { value } = await answerAll(run, [
    { request_id: ask, content: 'because' },
    { request_id: outputs, tool_outputs: [{ call_id, output: 'sun' }] },
  ]);
  expect(value.first_seq).toBe(before + 1);
  const said = (await journal.events(run)).slice(before);
  expect(said.map((event) => [event.type, event.data.output])).toEqual([
    ['run.input_received', undefined],
    ['run.input_received', undefined],
    ['tool.result', 'because'],
    ['tool.result', 'sun'],
  ]);
  expect((await journal.row(run)).status).toBe('running');
  expect(await journal.outbox(run)).toEqual(['input', 'input']);
});

it('an answer that its request does not take leaves every request open, and is named', async () => {
  const { run, ask, outputs, call_id } = await waiting();
  const answers = [
    { request_id: outputs, tool_outputs: [{ call_id, output: 'sun' }] },
    { request_id: ask, content: ' ' },
  ];
  await expect(answerAll(run, answers)).rejects.toMatchObject({
    code: 'validation.failed',
    details: { request_id: ask },
  });
  expect((await journal.requests(run)).map((request) => request.state)).toEqual(['open', 'open']);
  expect((await journal.row(run)).status).toBe('waiting_for_input');
});

it('a request that somebody else has answered leaves the others open', async () => {
  const { run, ask, outputs, call_id } = await waiting();
  await journal.answer(run, { request_id: ask, content: 'mine' });
  const answers = [
    { request_id: outputs, tool_outputs: [{ call_id, output: 'sun' }] },
    { request_id: ask, content: 'yours' },
  ];
  await expect(answerAll(run, answers)).rejects.toMatchObject({
    code: 'runs.input_stale',
    details: { request_id: ask },
  });
  expect((await journal.requests(run)).map((request) => request.state).sort()).toEqual(['answered', 'open']);
});
