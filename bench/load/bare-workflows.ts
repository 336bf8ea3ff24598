import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { heldBack } from '../../src/held-back.ts';
import { atATime } from './at-a-time.ts';
import type { Jobs } from './jobs.ts';
import { picked } from './picked.ts';

/** Seldom: each look is a call that Temporal's server answers beside what is measured. */
const LOOK_EVERY_MS = 100;
/** A start, an activity, and two workflow tasks: Temporal says it by itself, where a query would be a task for the worker. */
const EVENTS_WHEN_PARKED = 10;
/** A bare workflow that is not parked by then will not be. */
const PARKED_WITHIN_MS = 60_000;

const clients = new Map<string, Promise<Client>>();
const parked: string[] = [];

export const bare: Jobs['bare'] = async ({ address, taskQueue, count, concurrency, activities, parallel = 0 }) => {
  const client = await connected(address);
  return await atATime(count, concurrency, async () => {
    const workflowId = `bare-${randomUUID()}`;
    await client.workflow.execute('bareWorkflow', { taskQueue, workflowId, args: ['hello', activities, parallel] });
    return workflowId;
  });
};

export const parkBare: Jobs['parkBare'] = async ({ address, taskQueue, count, concurrency }) => {
  const client = await connected(address);
  return await atATime(count, concurrency, async () => {
    const workflowId = `bare-${randomUUID()}`;
    const handle = await client.workflow.start('bareParked', { taskQueue, workflowId, args: ['hello'] });
    await untilParked(handle);
    parked.push(workflowId);
    return workflowId;
  });
};

async function untilParked(handle: WorkflowHandle): Promise<void> {
  const until = performance.now() + PARKED_WITHIN_MS;
  while ((await handle.describe()).historyLength < EVENTS_WHEN_PARKED) {
    if (performance.now() > until) throw new Error(`${handle.workflowId} is not parked after ${PARKED_WITHIN_MS} ms`);
    await delay(LOOK_EVERY_MS);
  }
}

export const signalBare: Jobs['signalBare'] = async ({ address, count }) => {
  const client = await connected(address);
  const chosen = picked(parked, count);
  return await atATime(count, 1, async (begin, i) => {
    const handle = client.workflow.getHandle(chosen[i] as string);
    // As ours is followed before it is answered: when Temporal has answered a later call, it has the one that waits for the result.
    const ended = heldBack(handle.result());
    await handle.describe();
    begin();
    await handle.signal('goOn');
    await ended;
    return handle.workflowId;
  });
};

function connected(address: string): Promise<Client> {
  const client =
    clients.get(address) ?? Connection.connect({ address }).then((connection) => new Client({ connection }));
  clients.set(address, client);
  return client;
}
