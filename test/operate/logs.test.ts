/** The log of whole stories at level debug: every line about a run names it, and none holds a secret or what was said. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { eventsToEnd, eventsUntil } from '../support/events.ts';
import { answer, cancel, createRun, detailsOf, loseWorkflow, waitingOf, workflowOf } from '../support/run-client.ts';
import { openWorkshopStack, type WorkshopStack } from '../tools/workshop-stack.ts';
import { TEST_KEY, wireRoute } from '../wire/collect.ts';
import { startWire, type WireServer } from '../wire/server.ts';

const TEXTS = {
  input: 'PRIVATE-INPUT-4711',
  instructions: 'PRIVATE-INSTRUCTIONS-4712',
  said: 'PRIVATE-SAID-4713',
  argument: 'PRIVATE-ARGUMENT-4714',
  question: 'PRIVATE-QUESTION-4715',
  answer: 'PRIVATE-ANSWER-4716',
  metadata: 'PRIVATE-METADATA-4717',
  added: 'PRIVATE-ADDED-4718',
};

type Line = Record<string, unknown> & { level: string; msg: string };

let wire: WireServer;
let stack: WorkshopStack;
let logged = '';
const lines = () =>
  logged
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const about = (runId: string) => lines().filter((line) => line.run_id === runId);

beforeAll(async () => {
  wire = await startWire();
  const log = createLog('debug', {
    write: (line) => {
      logged += line;
    },
  });
  const routes = [{ id: 'demo', provider: 'demo' as const }, wireRoute('openai', wire.url, { retries: 1 })];
  stack = await openWorkshopStack({ 'shop/note': 'always' }, { log, routes });
});
afterAll(async () => {
  await stack.close();
  await wire.close();
});

const body = () => ({
  route_id: 'openai',
  input: TEXTS.input,
  instructions: TEXTS.instructions,
  metadata: { note: TEXTS.metadata },
});

describe('the log', () => {
  it('of a run with a tool, a question and an error on the way', async () => {
    wire.script('openai', [
      {
        http: {
          status: 503,
          headers: { 'retry-after': '0' },
          body: { error: { message: `${TEST_KEY} ${TEXTS.said}` } },
        },
      },
      { toolCalls: [{ name: 'shop/note', arguments: { text: TEXTS.argument } }] },
      { toolCalls: [{ name: 'ask_user', arguments: { question: TEXTS.question } }] },
      { text: [TEXTS.said] },
    ]);
    const id = await createRun(stack, body());
    await waitingOf(stack, id);
    await answer(stack, id, 'approve');
    await waitingOf(stack, id, 2);
    await stack.send('POST', `/v1/runs/${id}/messages`, { body: { content: TEXTS.added } });
    await answer(stack, id, TEXTS.answer);
    await eventsToEnd(stack, id);
    const { trace_id } = await detailsOf(stack, id);
    const said = about(id).map(({ msg }) => msg);
    expect(said.at(0)).toBe('a run was accepted');
    expect(said).toContain('a run ended');
    expect(about(id).find(({ msg }) => msg === 'a run was accepted')).toMatchObject({ trace_id });
    expect(about(id).find(({ msg }) => msg === 'a run ended')).toMatchObject({ status: 'completed' });
    expect(
      about(id)
        .filter(({ msg }) => msg === 'request')
        .map(({ method }) => method),
    ).toContain('POST');
  });

  it('of runs that fail, are cancelled, ended and forgotten by Temporal', async () => {
    wire.script('openai', [
      { http: { status: 401, body: { error: { message: `Bad key ${TEST_KEY}: ${TEXTS.said}` } } } },
    ]);
    const failed = await createRun(stack, body());
    await eventsToEnd(stack, failed);
    expect(about(failed)).toContainEqual(
      expect.objectContaining({ msg: 'a run ended', code: 'provider.unauthorized' }),
    );

    const cancelled = await createRun(stack, `/say ${TEXTS.said}\n/think ms=30000`);
    await eventsUntil(stack, cancelled, (event) => event.type === 'message.delta');
    await cancel(stack, cancelled);
    await eventsToEnd(stack, cancelled);

    const ended = await createRun(stack, `/ask ${TEXTS.question}`);
    await waitingOf(stack, ended);
    await (await workflowOf(stack, ended)).terminate(TEXTS.said);
    await stack.relay.sweep(0);
    await eventsToEnd(stack, ended);
    expect(about(ended)).toContainEqual(expect.objectContaining({ level: 'warn', temporal: 'terminated' }));

    const lost = await createRun(stack, `/ask ${TEXTS.question}`);
    await waitingOf(stack, lost);
    await loseWorkflow(stack, lost);
    await stack.relay.sweep(0);
    await answer(stack, lost, TEXTS.answer);
    await eventsToEnd(stack, lost);
    expect(about(lost)).toContainEqual(expect.objectContaining({ msg: 'a run is rebuilt from the journal' }));
  });
});

it('no line holds a secret or a text of user, model or tool', () => {
  expect(lines().length).toBeGreaterThan(30);
  for (const secret of [...Object.values(TEXTS), TEST_KEY, stack.key]) expect(logged).not.toContain(secret);
});

it('a line that names a run has it as run_id', () => {
  for (const { run_id, path, ...rest } of lines()) {
    if (run_id === undefined) expect(JSON.stringify({ ...rest, path })).not.toMatch(/run_[0-9a-z]{20}/);
  }
});
