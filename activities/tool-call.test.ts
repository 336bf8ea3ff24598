/** A call of `run_agent` that is stopped while the journal is away: it ends by what stopped it, gives its lease back, and makes no run. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HoldfastError } from '../src/errors.ts';
import type { Journal } from '../src/journal/journal.ts';
import { type ClockedJournal, openClockedJournal, type RunIds } from '../test/support/clocked-journal.ts';
import { until } from '../test/support/until.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { openHandover } from './handover.ts';
import { patientWrite } from './patience.ts';
import { toolCall } from './tool-call.ts';

let journal: ClockedJournal;
let run: RunIds;
beforeEach(async () => {
  journal = await openClockedJournal();
  run = await journal.create();
  await journal.turnWith(run, [
    { kind: 'agent', offered: true, name: 'run_agent', arguments: { persona: 'helper', input: 'x' }, may_repeat: true },
  ]);
});
afterEach(() => journal.close());

/** The call, once it has begun and then found the journal away; `back` ends the outage when a write has met it. */
async function callInOutage() {
  let refused = 0;
  let isAway = false;
  const away = () => new HoldfastError('journal.unavailable', 'The journal is away.');
  let abort = (_runId: string): void => undefined;
  const outage = {
    write: async (...args: Parameters<Journal['write']>) => {
      if (!isAway) return await journal.write(...args);
      refused++;
      throw away();
    },
    onAbort: (listener: (runId: string) => void) => {
      abort = listener;
      return () => undefined;
    },
  } as unknown as Journal;
  const handover = openHandover();
  const deps = {
    ...{ journal: outage, write: patientWrite(outage), handover },
    prepareChild: async () => {
      isAway = true;
      throw away();
    },
  } as unknown as ActivityDeps;
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const ended = Promise.allSettled([environment.run(toolCall, deps, { ...run, turn: 1, idx: 0 })]);
  await until(() => isAway, 'the call asks for what its child would be');
  return {
    cancel: () => environment.cancel(),
    abort: () => abort(run.run_id),
    endWorker: () => handover.begin({ repeatableMs: 0, sideEffectsMs: 0 }),
    async back() {
      await until(() => refused > 0, 'the lease is to be given back');
      isAway = false;
      const [end] = await ended;
      return end;
    },
  };
}

type Call = Awaited<ReturnType<typeof callInOutage>>;
const cancelled = expect.objectContaining({ name: 'CancelledFailure' });
const cutOff = expect.objectContaining({ type: 'step.cut_off' });

it.each([
  { by: "Temporal's cancel", stop: ({ cancel }: Call) => cancel(), end: { status: 'rejected', reason: cancelled } },
  {
    ...{ by: 'a direct abort', stop: ({ abort }: Call) => abort() },
    end: { status: 'fulfilled', value: { outcome: 'cancelled' } },
  },
  { by: "its worker's end", stop: ({ endWorker }: Call) => endWorker(), end: { status: 'rejected', reason: cutOff } },
])('stopped by $by', async ({ stop, end }) => {
  const call = await callInOutage();
  stop(call);
  expect(await call.back()).toEqual(end);
  const step = journal.db.selectFrom('steps').select('state').where('step', 'like', 'call:%');
  expect(await step.execute()).toEqual([{ state: 'released' }]);
  expect(await journal.db.selectFrom('runs').select('id').execute()).toEqual([{ id: run.run_id }]);
});
