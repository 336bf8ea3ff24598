/** Accepted means done (invariant 4), with Temporal away: start, answer and cancel are taken and have their effect when it is back. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil, types } from '../support/events.ts';
import { startProxy } from '../support/proxy.ts';
import { answer, cancel, closedAs, createRun, detailsOf, waitingOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
let proxy: Awaited<ReturnType<typeof startProxy>>;
beforeAll(async () => {
  proxy = await startProxy(inject('temporalAddress'));
  stack = await openStack({ temporal: { address: proxy.address } });
});
afterAll(async () => {
  await stack.close();
  await proxy.close();
});

async function temporalState(): Promise<string | undefined> {
  const body = (await (await stack.send('GET', '/readyz')).json()) as { checks: Record<string, { state: string }> };
  return body.checks.temporal?.state;
}

describe('with Temporal out of reach', { timeout: 60_000 }, () => {
  it('a start, an answer and two cancels are accepted, and have their effect when it is back', async () => {
    const answered = await createRun(stack, '/ask Which colour?');
    const waiting = await createRun(stack, '/ask Which colour?');
    const working = await createRun(stack, '/think ms=60000');
    await waitingOf(stack, answered);
    await waitingOf(stack, waiting);
    await eventsUntil(stack, working, (event) => event.type === 'turn.started');

    proxy.cut();
    await until(async () => (await temporalState()) === 'unreachable', 'readiness says that Temporal is away');
    expect((await answer(stack, answered, 'blue')).status).toBe(200);
    expect((await cancel(stack, waiting)).status).toBe(200);
    expect((await cancel(stack, working)).status).toBe(200);
    const started = await createRun(stack, 'hello');
    expect((await detailsOf(stack, waiting)).status).toBe('cancelling');
    expect((await detailsOf(stack, started)).status).toBe('queued');
    // The model is stopped at once, without Temporal.
    const released = async () =>
      await stack.journal.db
        .selectFrom('steps')
        .select('release_reason')
        .where('run_id', '=', working)
        .where('state', '=', 'released')
        .executeTakeFirst();
    // By the abort, or already before by the worker itself, whose heartbeats found no answer for too long.
    const stopped = await until(released, 'the silent model was stopped');
    expect(['cancelled', 'worker_lost']).toContain(stopped.release_reason);

    proxy.restore();
    const ends = { [answered]: 'run.completed', [waiting]: 'run.cancelled', [working]: 'run.cancelled' };
    for (const [id, end] of Object.entries({ ...ends, [started]: 'run.completed' })) {
      const events = await eventsToEnd(stack, id);
      checkHistory(events);
      expect(events.at(-1)?.type).toBe(end);
    }
    expect(types(await eventsToEnd(stack, working)).filter((type) => type === 'turn.started')).toHaveLength(1);
    expect(await closedAs(stack, waiting)).toBe('CANCELLED');
    expect(await stack.journal.db.selectFrom('outbox').selectAll().execute()).toEqual([]);
    await until(async () => (await temporalState()) === 'ok', 'readiness says that Temporal is back');
  });
});
