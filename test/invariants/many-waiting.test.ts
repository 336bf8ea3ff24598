/** Many runs that wait for people are compared with Temporal without a list of all its workflows each time. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { eachAtATime } from '../../src/at-a-time.ts';
import { checkHistory, eventsToEnd } from '../support/events.ts';
import { answer, createRun, detailsOf, loseWorkflow, refOf, waitingOf, workflowOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

/** More than are described one by one, and than one page of a list holds. */
const MANY = 260;
/** The next list is not due before the test is over. */
const LIST_TAKES_MS = 3_000;

let stack: Stack;
const runs: string[] = [];
beforeAll(async () => {
  stack = await openStack();
  await eachAtATime(Array(MANY).keys(), 10, async () => {
    const id = await createRun(stack, '/ask Which colour?');
    await waitingOf(stack, id);
    runs.push(id);
  });
});
afterAll(() => stack.close());

it('a run ends whose workflow is terminated between two lists, and the next list tells which workflow is lost', async () => {
  const { engine } = stack;
  await until(async () => (await engine.listRunning()).size === MANY, 'every page of the list is read');
  const list = engine.listRunning.bind(engine);
  const lists = vi.spyOn(engine, 'listRunning').mockImplementation(async (signal) => {
    await delay(LIST_TAKES_MS, undefined, { signal });
    return await list(signal);
  });
  const sweep = () => stack.relay.sweep(0, { paced: true });
  const [terminated = '', lost = '', alive = ''] = runs;
  // Which of the sweeps it is that lists, one of these or the server's own, does not matter: the others do not meanwhile.
  const listed = async () => {
    await Promise.all([sweep(), sweep()]);
    return lists.mock.calls.length > 0;
  };
  await until(listed, 'a sweep lists the running workflows');
  await sweep();
  expect(lists).toHaveBeenCalledTimes(1);

  await (await workflowOf(stack, terminated)).terminate('by an operator');
  const ended = async () => {
    await sweep();
    return (await detailsOf(stack, terminated)).status === 'failed';
  };
  await until(ended, 'a sweep finds the terminated workflow');
  expect((await detailsOf(stack, terminated)).error?.code).toBe('engine.terminated');
  expect(lists).toHaveBeenCalledTimes(1);

  await loseWorkflow(stack, lost);
  await stack.relay.sweep(0);
  expect(lists).toHaveBeenCalledTimes(2);
  expect((await refOf(stack, lost)).epoch).toBe(1);
  expect((await refOf(stack, alive)).epoch).toBe(0);
  for (const id of [lost, alive]) {
    await answer(stack, id, 'blue');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)?.type).toBe('run.completed');
  }
});

it('a list is given up between two pages when its server stops', async () => {
  const sweep = stack.relay.sweep(0);
  await stack.relay.close();
  await expect(sweep).rejects.toThrow('aborted');
});
