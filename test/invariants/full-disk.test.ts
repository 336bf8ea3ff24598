/** A full disk: nothing is accepted that is not stored, and what runs goes on when there is room again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil, types } from '../support/events.ts';
import { createRun } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(async () => {
  await stack.close();
});

/** Notes the writes that the journal refuses. */
function watchRefusals(): string[] {
  const refused: string[] = [];
  const write = stack.journal.write;
  const watched: typeof write = (name, args) => {
    const written = write(name, args);
    written.catch(() => refused.push(name));
    return written;
  };
  stack.journal.write = watched;
  return refused;
}

describe('with the disk full', () => {
  it('a create is refused with 503, and a run that streams goes on and completes when there is room', async () => {
    const refused = watchRefusals();
    const id = await createRun(stack, '/stream chunks=300 delay_ms=10');
    await eventsUntil(stack, id, (event) => event.type === 'message.delta');
    await stack.journal.fillDisk();
    const large = { input: 'x'.repeat(100_000) };
    const response = await stack.send('POST', '/v1/runs', { body: large, headers: { 'idempotency-key': 'k' } });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await response.json()).toMatchObject({ code: 'journal.unavailable' });
    await until(() => refused.some((name) => name === 'appendDeltas' || name === 'completeTurn'), 'the run is stalled');

    await stack.journal.makeRoom();
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(types(events)).not.toContain('message.reset');
    const words = Array.from({ length: 300 }, (_, i) => `word${i + 1}`).join(' ');
    const deltas = events.filter((event) => event.type === 'message.delta').map((event) => event.data.content);
    expect(deltas.join('')).toBe(words);
    expect(events.at(-1)?.data.output).toBe(words);

    const again = await stack.send('POST', '/v1/runs', { body: large, headers: { 'idempotency-key': 'k' } });
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotency-replayed')).toBeNull();
    const runs = await stack.journal.db.selectFrom('runs').select('id').execute();
    expect(runs).toHaveLength(2);
    await eventsToEnd(stack, ((await again.json()) as { run_id: string }).run_id);
  });
});
