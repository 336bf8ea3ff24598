/**
 * kill -9 at every journal transaction of a run with two parallel tools, an approval and a child. A first run is left in peace: its
 * transactions are written down by name (`kills/transaction-names.ts`). Then there is a run for each of them whose server kills itself
 * just before the commit, or just after it; `npm run test:everywhere` has both of each. A client follows each to its end, answering as a
 * person would.
 */
import { Connection, Client as Temporal } from '@temporalio/client';
import { afterAll, expect, inject, it } from 'vitest';
import { STORE } from '../support/test-journal.ts';
import { startWire } from '../wire/server.ts';
import { expectAllDone, expectOneHistory, expectSameStory, expectSideEffectsOnce } from './kills/checks.ts';
import { type Lane, Lanes } from './kills/lane.ts';
import type { Moment, Plan } from './kills/plan.ts';
import { type Ended, runCase } from './kills/run-case.ts';
import { reply } from './kills/story.ts';

const CASE_TIMEOUT_MS = 120_000;
const MOMENTS: Moment[] = ['before', 'after'];

const began = performance.now();
const temporalAddress = inject('temporalAddress');
const connection = await Connection.connect({ address: temporalAddress });
const temporal = new Temporal({ connection });
const wire = await startWire({ 'openai-compatible': reply });
const lanes = new Lanes({ temporalAddress, wireUrl: wire.url });
const peaceful = await lanes.use((lane) => runAndCheck(lane, 'in peace'));

const transactions = peaceful.commits.flatMap((commit) => commit.transactions);
const everyCase = transactions.flatMap((at) => MOMENTS.map((moment): Plan => ({ at, moment })));
/** In turn, where not all are run. */
const isTurn = (i: number) => i % 4 === 0 || i % 4 === 3;
const cases = STORE === 'sqlite' ? everyCase.filter((_, i) => isTurn(i)) : everyCase;
const seen = { voided: 0, asked: 0, slowest: { ms: 0, of: '' } };

afterAll(async () => {
  await lanes.close();
  await wire.close();
  await connection.close();
  const { voided, asked, slowest } = seen;
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(
    `${cases.length} kills at ${transactions.length} transactions in ${seconds} s: ${voided} attempts voided, ${asked} unknown outcomes asked about; next event after a ready line at most ${slowest.ms} ms (${slowest.of})`,
  );
});

/** A run from its create to its end, with everything that must hold of it alone. */
async function runAndCheck(lane: Lane, input: string, plan?: Plan): Promise<Ended> {
  const ended = await runCase(lane, input, plan);
  for (const shown of [ended.lead, ended.helper]) await expectOneHistory(lane, ended, shown);
  expectSideEffectsOnce(ended);
  await expectAllDone(lane, temporal, ended);
  return ended;
}

it('the transactions of the run are known by name, each by its own', () => {
  expect(new Set(transactions).size).toBe(transactions.length);
  const kinds = [
    'createRun',
    'beginTurn',
    'appendDeltas',
    'completeTurn',
    'beginCall',
    'completeCall',
    'answerInput',
    'createChild',
  ];
  for (const kind of kinds) expect(transactions.join('\n')).toContain(` ${kind}`);
});

/** Five at a time (vitest's `maxConcurrency`): most of a case is waiting for timeouts of Temporal. */
it.concurrent.each(cases)(
  'killed $moment the commit of $at, the run ends as it does in peace',
  { timeout: CASE_TIMEOUT_MS },
  async (plan) => {
    const what = `${plan.moment} ${plan.at}`;
    const ended = await lanes.use((lane) => runAndCheck(lane, `killed ${what}`, plan));
    expectSameStory(wire, ended, peaceful);
    note(ended, what);
  },
);

function note({ lead, helper, client }: Ended, of: string): void {
  const events = [...lead.events, ...helper.events];
  seen.voided += events.filter((event) => event.type === 'message.reset').length;
  seen.asked += events.filter(
    ({ type, data }) => type === 'run.waiting_for_input' && data.kind === 'unknown_outcome',
  ).length;
  const ms = Math.round(client.nextEventMs ?? 0);
  if (ms > seen.slowest.ms) seen.slowest = { ms, of };
}
