/** How a Temporal that is away shows: frozen, so that nothing comes back, and lost in the midst of a question. */
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { expect, inject, it } from 'vitest';
import { startProxy } from '../../test/support/proxy.ts';
import { isUnreachable } from './link.ts';

const DEADLINE_MS = 1_000;
/** For an answer that must come: a Temporal that has much to do takes its time. */
const ANSWER_WITHIN_MS = 15_000;

type Ask = () => Promise<unknown>;

async function connectThroughProxy() {
  let isFrozen = false;
  const proxy = await startProxy(inject('temporalAddress'), { tap: () => !isFrozen });
  const connection = await NativeConnection.connect({ address: proxy.address });
  const { workflow } = new Client({ connection, namespace: 'default' });
  const run = workflow.getHandle('nobody');
  const start = { taskQueue: 'none', workflowId: 'nobody', args: [] };
  const asks: Record<string, Ask> = {
    ping: () => connection.workflowService.getSystemInfo({}),
    start: () => workflow.start('none', start),
    describe: () => run.describe(),
    signal: () => run.signal('none'),
    query: () => run.query('none'),
  };
  return {
    asks,
    cut: proxy.cut,
    freeze: () => {
      isFrozen = true;
    },
    failureOf: async (ask: Ask, withinMs = DEADLINE_MS) =>
      await connection.withDeadline(Date.now() + withinMs, ask).catch((error: unknown) => error),
    async close() {
      await connection.close();
      await proxy.close();
    },
  };
}

it('a Temporal that is frozen is unreachable, whatever it is asked', async () => {
  const temporal = await connectThroughProxy();
  temporal.freeze();
  for (const [what, ask] of Object.entries(temporal.asks)) {
    expect([what, isUnreachable(await temporal.failureOf(ask))]).toEqual([what, true]);
  }
  await temporal.close();
});

it('a connection that is reset each time is unreachable', async () => {
  const temporal = await connectThroughProxy();
  temporal.cut();
  const failure = await temporal.failureOf(temporal.asks.signal as Ask);
  expect(isUnreachable(failure)).toBe(true);
  await temporal.close();
});

it('what Temporal refuses is not', async () => {
  const temporal = await connectThroughProxy();
  const failure = await temporal.failureOf(temporal.asks.describe as Ask, ANSWER_WITHIN_MS);
  expect(failure).toMatchObject({ name: 'WorkflowNotFoundError' });
  expect(isUnreachable(failure)).toBe(false);
  await temporal.close();
});
