/** What must hold of a run that has ended, wherever its server died. */
import type { Client as Temporal } from '@temporalio/client';
import { expect } from 'vitest';
import { said, transcript } from '../../providers/transcript.ts';
import { checkHistory, type SeenEvent } from '../../support/events.ts';
import { executeIn } from '../../support/test-journal.ts';
import { until } from '../../support/until.ts';
import type { WireServer } from '../../wire/server.ts';
import { wholeStory } from '../reader.ts';
import type { Shown } from './client.ts';
import type { Lane } from './lane.ts';
import type { Ended } from './run-case.ts';
import { hasSideEffects, TURN_USAGE, TURNS } from './story.ts';
import { storyOf } from './story-of.ts';

/** A workflow closes after its run has ended; a worker that died in between costs the next its timeouts. */
const CLOSED_WITHIN_MS = 20_000;

/** Nothing was shown that is not stored, and the run has one whole history that says what its status says. */
export async function expectOneHistory(lane: Lane, { client }: Ended, shown: Shown): Promise<void> {
  checkHistory(shown.events);
  const stored = await wholeStory(lane.server, shown.run_id);
  expect(stored.text).toBe(shown.text);
  const { json } = await client.send('GET', `/v1/runs/${shown.run_id}`);
  expect(json).toMatchObject({ status: 'completed', last_seq: shown.events.length, pending_inputs: [] });
  expect(shown.events.at(-1)?.type).toBe('run.completed');
  const thread = await client.send('GET', `/v1/threads/${json.thread_id}`);
  expect(thread.json.active_run_id).toBeNull();
}

/** The story is that of the run that was left in peace, and so is what the model was told at its end. */
export function expectSameStory(wire: WireServer, ended: Ended, peaceful: Ended): void {
  for (const who of ['lead', 'helper'] as const) {
    expect(storyOf(ended[who].events), who).toEqual(storyOf(peaceful[who].events));
    expectUsage(ended[who].events, TURNS[who]);
  }
  expect(lastTold(wire, ended.input)).toEqual(lastTold(wire, peaceful.input));
}

function lastTold(wire: WireServer, input: string): string[] {
  const told = wire.requests.map((request) => said(transcript(request)));
  const user = `user ${input}`;
  return (told.findLast((lines) => lines.includes(user)) ?? []).filter((line) => line !== user);
}

/** Each turn's tokens are counted once, and those of voided attempts on top. */
function expectUsage(events: SeenEvent[], turns: number): void {
  const { input_tokens, output_tokens } = usageIn(events.at(-1));
  const [input, output] = [turns * TURN_USAGE.input, turns * TURN_USAGE.output];
  if (!events.some((event) => event.type === 'message.reset')) {
    expect({ input_tokens, output_tokens }).toEqual({ input_tokens: input, output_tokens: output });
  } else {
    expect(input_tokens).toBeGreaterThan(input);
    expect(output_tokens).toBeGreaterThanOrEqual(output);
  }
}

const usageIn = (event: SeenEvent | undefined) => event?.data.usage as { input_tokens: number; output_tokens: number };

/** Every call was executed: one with side effects exactly once, the others to their end. Nothing else was executed. */
export function expectSideEffectsOnce({ lead, helper, executions }: Ended): void {
  const calls = [...lead.events, ...helper.events]
    .filter((event) => event.type === 'tool.call')
    .map(({ data }) => data);
  const executed = calls.filter((call) => String(call.name).startsWith('shop/'));
  const ids = executed.map((call) => call.call_id);
  expect(executions.filter((line) => !ids.includes(line.call_id))).toEqual([]);
  for (const { call_id, name } of executed) {
    const states = executions.filter((line) => line.call_id === call_id).map((line) => line.state);
    if (hasSideEffects(String(name))) expect(states, String(name)).toEqual(['begun', 'ended']);
    else expect(states, String(name)).toContain('ended');
  }
}

/** One child was made, both workflows are closed as completed, and the journal promises nothing more. */
export async function expectAllDone(lane: Lane, temporal: Temporal, { client, lead, helper }: Ended): Promise<void> {
  const children = await client.send('GET', `/v1/runs?parent_run_id=${lead.run_id}`);
  expect(children.json.map((run: { run_id: string }) => run.run_id)).toEqual([helper.run_id]);
  for (const { run_id } of [lead, helper]) {
    const closed = async () => {
      const { status } = await temporal.workflow.getHandle(run_id).describe();
      return status.name === 'RUNNING' ? undefined : status.name;
    };
    expect(await until(closed, `the workflow of ${run_id} closes`, CLOSED_WITHIN_MS)).toBe('COMPLETED');
  }
  expect(await executeIn(lane.server.dataDir, 'SELECT kind, run_id FROM outbox')).toEqual([]);
}
