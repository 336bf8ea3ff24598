/** Runs that are at something else each when their server goes, and what is expected of them after it. */
import { expect } from 'vitest';
import { checkHistory } from '../support/events.ts';
import type { TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, type Started, watch, wholeStory } from './reader.ts';

const WAIT_S = 4;

export type Parked = { asking: Started; sleeping: Started; parent: Started; streaming: Started };

/** Posts a run that asks its person, and waits until it does. */
export async function postAsking(server: TestServer, more: object = {}): Promise<Started> {
  const run = await postRun(server, '/say Hello.\n/ask Which colour?', more);
  await seen(server, run, 'run.waiting_for_input');
  return run;
}

/** One run that waits for a person, one in `wait`, one whose child waits for a person, one in the midst of its stream. */
export async function parkRuns(server: TestServer): Promise<Parked> {
  const lead = { persona_id: await leadPersona(server) };
  const asking = await postAsking(server);
  const child = `/tool run_agent ${JSON.stringify({ persona: 'assistant', input: '/ask Which?' })}`;
  const parent = await postRun(server, child, lead);
  await until(() => childRequest(server, parent), 'the child asks its person');
  const sleeping = await postRun(server, `/tool wait {"seconds": ${WAIT_S}}\n/say Awake.`, lead);
  await seen(server, sleeping, 'tool.call');
  const streaming = await postRun(server, '/stream chunks=200 delay_ms=20');
  await seen(server, streaming, 'message.delta');
  return { asking, sleeping, parent, streaming };
}

/** Answers those that wait, and sees all complete with their events whole. */
export async function expectCompleted(server: TestServer, runs: Parked, withinMs = 30_000): Promise<void> {
  await answerRequest(server, runs.asking.run_id);
  const request = await childRequest(server, runs.parent);
  await answerRequest(server, request?.run_id as string);
  for (const [name, { run_id }] of Object.entries(runs)) {
    const { events } = await wholeStory(server, run_id, withinMs);
    checkHistory(events);
    expect([name, events.at(-1)?.type]).toEqual([name, 'run.completed']);
  }
}

export async function answerRequest(server: TestServer, runId: string): Promise<void> {
  expect((await server.request('POST', `/v1/runs/${runId}/input`, { content: 'blue' })).status).toBe(200);
}

async function childRequest(server: TestServer, { run_id }: Started): Promise<{ run_id: string } | undefined> {
  return (await server.request('GET', `/v1/runs/${run_id}`)).json.pending_inputs[0];
}

async function seen(server: TestServer, { run_id }: Started, type: string): Promise<void> {
  const reader = await watch(server, run_id);
  await reader.untilType(type);
  await reader.close();
}

/** A persona that gives its work to others, and waits. */
async function leadPersona(server: TestServer): Promise<string> {
  const body = { key: 'lead', tools: ['run_agent', 'wait'] };
  const { status } = await server.request('POST', '/v1/personas', body);
  expect([201, 409]).toContain(status);
  return 'lead';
}
