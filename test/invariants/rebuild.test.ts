/** The journal can rebuild the engine (invariant 10): a workflow begins from what the journal says, at any turn. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NAMESPACE_META } from '../../src/temporal/namespace-identity.ts';
import { checkHistory, eventsToEnd, eventsUntil, type SeenEvent, story, types } from '../support/events.ts';
import {
  answer,
  closedAs,
  createRun,
  detailsOf,
  loseWorkflow,
  refOf,
  waitingOf,
  workflowOf,
} from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(async () => {
  await stack.close();
});

const SCRIPT = '/say One.\n/ask First?\n/say Two.\n/ask Second?\n/say Three.';
const said = (events: SeenEvent[]) =>
  events.filter((event) => event.type === 'message.completed').map((event) => event.data.content);

/** A run of SCRIPT; `meanwhile` is done while it waits for each answer. */
async function answeredRun(meanwhile: (id: string) => Promise<void>): Promise<{ id: string; events: SeenEvent[] }> {
  const id = await createRun(stack, SCRIPT);
  for (const [i, content] of ['blue', 'red'].entries()) {
    await waitingOf(stack, id, i + 1);
    await meanwhile(id);
    expect((await answer(stack, id, content)).status).toBe(200);
  }
  return { id, events: await eventsToEnd(stack, id) };
}

async function loseAndSweep(id: string): Promise<void> {
  await loseWorkflow(stack, id);
  await stack.relay.sweep(0);
}

describe('a run whose workflow Temporal has forgotten', () => {
  it('tells the same story as one that was left alone, at each turn where that happens', async () => {
    const plain = await answeredRun(async () => undefined);
    const rebuilt = await answeredRun(loseAndSweep);
    checkHistory(rebuilt.events);
    expect(types(rebuilt.events).filter((type) => !type.endsWith('.delta'))).toEqual(
      types(plain.events).filter((type) => !type.endsWith('.delta')),
    );
    expect(said(rebuilt.events)).toEqual(said(plain.events));
    expect(await refOf(stack, rebuilt.id)).toMatchObject({ epoch: 2 });
    expect(await closedAs(stack, rebuilt.id)).toBe('COMPLETED');
  });

  it('while it streams is rebuilt, says so, and completes once', async () => {
    const id = await createRun(stack, '/say Begun.\n/think ms=6000\n/say Ended.');
    await eventsUntil(stack, id, (event) => event.type === 'message.delta');
    await loseAndSweep(id);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    const counts = Map.groupBy(types(events), (type) => type);
    expect([counts.get('message.reset')?.length, counts.get('message.completed')?.length]).toEqual([1, 1]);
    expect(events.at(-1)?.data.output).toBe('Begun.\nEnded.');
  });

  it('after its cancel was accepted ends as cancelled', async () => {
    const id = await createRun(stack, '/ask First?');
    await waitingOf(stack, id);
    const caller = await stack.holdfast.authenticate(stack.key, '0'.repeat(32));
    await loseWorkflow(stack, id);
    await stack.journal.write('requestCancel', { caller, run_id: id });
    await stack.relay.sweep(0);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)?.type).toBe('run.cancelled');
  });
});

describe('a journal pointed at another namespace', () => {
  it('rebuilds nothing and says so, until an operator lets it', async () => {
    const other = await openStack({ ownServer: false });
    const id = await createRun(other, '/ask First?');
    await waitingOf(other, id);
    await other.journal.write('setMeta', { key: NAMESPACE_META, value: 'where these runs live' });
    await loseWorkflow(other, id);
    await other.relay.sweep(0);
    expect(await refOf(other, id)).toMatchObject({ epoch: 0 });
    expect((await detailsOf(other, id)).status).toBe('waiting_for_input');
    const readiness = async () => (await (await other.send('GET', '/readyz')).json()) as unknown;
    expect(await readiness()).toMatchObject({ checks: { temporal: { state: 'other_namespace' } } });

    await other.journal.write('setMeta', { key: NAMESPACE_META, value: '' });
    await other.relay.sweep(0);
    expect(await refOf(other, id)).toMatchObject({ epoch: 1 });
    expect(await readiness()).toMatchObject({ checks: { temporal: { state: 'ok' } } });
    await answer(other, id, 'blue');
    checkHistory(await eventsToEnd(other, id));
    await other.close();
  });
});

describe('a worker that is stopped in the middle of a turn', () => {
  it('gives it back; the next one says message.reset and completes it', async () => {
    const first = await openStack();
    const id = await createRun(first, '/stream chunks=300 delay_ms=20');
    await eventsUntil(first, id, (event) => event.type === 'message.delta');
    await first.close({ keep: true });
    const { dataDir, taskQueue } = first.config;
    const second = await openStack({ dataDir, taskQueue });
    const events = await eventsToEnd(second, id);
    checkHistory(events);
    const reset = events.find((event) => event.type === 'message.reset');
    expect(reset?.data).toMatchObject({ turn: 1, attempt: 1, reason: 'worker_shutdown' });
    const words = Array.from({ length: 300 }, (_, i) => `word${i + 1}`).join(' ');
    expect(events.at(-1)?.data.output).toBe(words);
    await second.close();
  });
});

describe('a workflow whose history has grown long', () => {
  it('goes on as a new one, and the run tells the same story', { timeout: 90_000 }, async () => {
    const plain = await answeredRun(async () => undefined);
    let first: string | undefined;
    const long = await answeredRun(async (id) => {
      const handle = await workflowOf(stack, id);
      const { runId } = await handle.describe();
      if (first !== undefined) return expect(runId).not.toBe(first);
      first = runId;
      // Signals that say nothing are the quickest way to a long history.
      for (let i = 0; i < 2_000; i += 20) {
        await Promise.all(Array.from({ length: 20 }, () => handle.signal('input', 'input_of_nobody')));
      }
    });
    checkHistory(long.events);
    expect(story(long.events)).toEqual(story(plain.events));
    expect(said(long.events)).toEqual(said(plain.events));
    const { raw, typedSearchAttributes } = await (await workflowOf(stack, long.id)).describe();
    expect(String(raw.executionConfig?.defaultWorkflowTaskTimeout?.seconds)).toBe('3');
    expect(typedSearchAttributes.getAll().map(({ key }) => key.name)).toContain('HoldfastOrg');
    expect(await closedAs(stack, long.id)).toBe('COMPLETED');
    const { client } = await stack.link.connected();
    const begun = client.workflow.getHandle(long.id, first);
    await until(async () => (await begun.describe()).status.name === 'CONTINUED_AS_NEW', 'the first was continued');
  });
});
