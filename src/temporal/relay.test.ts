/** What the relay makes up for when something else was away as Temporal came back. */
import { afterEach, expect, inject, it, vi } from 'vitest';
import { checkHistory, eventsToEnd } from '../../test/support/events.ts';
import { startProxy } from '../../test/support/proxy.ts';
import { answer, createRun, waitingOf } from '../../test/support/run-client.ts';
import { openStack, type Stack } from '../../test/support/stack.ts';
import { executeIn } from '../../test/support/test-journal.ts';
import { until } from '../../test/support/until.ts';
import { Engine } from './engine.ts';

/** Two sweeps and a half. */
const TOLD_WITHIN_MS = 50_000;

afterEach(() => {
  vi.restoreAllMocks();
});

it('a first sweep that fails is made up for: the next asks workflows what they wait for', async () => {
  const proxy = await startProxy(inject('temporalAddress'));
  const before = await openStack({ temporal: { address: proxy.address } });
  const answered = await createSleeper(before);
  await waitingOf(before, answered);
  proxy.cut();
  expect((await answer(before, answered, 'blue')).status).toBe(200);
  const started = await createRun(before, 'hello');
  await before.close({ keep: true });
  const { dataDir, taskQueue } = before.config;
  // As after a restore of Temporal: the workflow waits for what was answered, and nothing is left to tell it.
  await executeIn(dataDir, `delete from outbox where kind = 'input'`);
  await executeIn(dataDir, 'update outbox set next_at = 0');

  const after = await openStack({ temporal: { address: proxy.address }, dataDir, taskQueue });
  const { write } = after.journal;
  let refused = 0;
  after.journal.write = (name, args) => {
    if (name !== 'claimIntents') return write(name, args);
    refused++;
    return Promise.reject(new Error('told to fail'));
  };
  proxy.restore();
  // That of the first sweep, and that of the timer.
  await until(() => refused >= 2, 'the journal could not be asked for intents');
  after.journal.write = write;
  checkHistory(await eventsToEnd(after, started));
  const waitsFor = async () => (await after.engine.state(answered)).waiting_for;
  await until(async () => (await waitsFor()).length === 0, 'the workflow is told of the answer', TOLD_WITHIN_MS);
  await after.close();
  await proxy.close();
}, 270_000);

it('closes while a workflow is asked that no worker answers', async () => {
  const before = await openStack();
  await waitingOf(before, await createRun(before, '/ask Which colour?'));
  await before.close({ keep: true });
  const { dataDir, taskQueue } = before.config;

  const asked = vi.spyOn(Engine.prototype, 'state');
  const after = await openStack({ worker: false, dataDir, taskQueue });
  await until(() => asked.mock.calls.length > 0, 'the first sweep asks the workflow what it waits for');
  let isAnswered = false;
  const answered = Promise.allSettled([asked.mock.results[0]?.value]).then(() => {
    isAnswered = true;
  });
  await after.relay.close();
  expect(isAnswered).toBe(false);
  await answered;
  await after.close();
});

/** A run that waits for its person and, for much longer, for a time: it looks like one that is as it should be. */
async function createSleeper(stack: Stack): Promise<string> {
  const body = { key: 'sleeper', tools: ['ask_user', 'wait'] };
  expect((await stack.send('POST', '/v1/personas', { body })).status).toBe(201);
  const input = '/parallel\n/tool wait {"seconds": 600}\n/tool ask_user {"question": "Which colour?"}\n';
  return await createRun(stack, { persona_id: 'sleeper', input });
}
