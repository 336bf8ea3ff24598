/**
 * Every kind of run, made now, replays. To record their histories for later versions (`test/replay/recorded.test.ts`), in
 * a directory of their own, once per released shape of the workflow:
 *
 *     HOLDFAST_RECORD_HISTORIES=test/histories/v3 npx vitest run test/replay/live.test.ts
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { bundleWorkflows } from '../../worker/bundle.ts';
import { historyOf } from '../support/history.ts';
import type { Stack } from '../support/stack.ts';
import { openWorkshopStack } from '../tools/workshop-stack.ts';
import { stories, tell } from './stories.ts';

const recordTo = process.env.HOLDFAST_RECORD_HISTORIES;

let stack: Stack;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  stack = await openWorkshopStack({}, {}, { 'shop/look': { timeout_s: 2 } });
  workflowBundle = await bundleWorkflows(createLog('silent'));
  if (recordTo) mkdirSync(recordTo, { recursive: true });
});
afterAll(async () => {
  await stack.close();
});

it.each(Object.entries(stories))('a run made now replays: %s', async (name, story) => {
  const id = await tell(stack, story);
  const history = await historyOf(stack, id);
  expect(history.events?.length).toBeGreaterThan(0);
  await Worker.runReplayHistory({ workflowBundle }, history, id);
  if (!recordTo) return;
  const recorded = { workflow_id: id, history: JSON.parse(historyToJSON(history)) };
  writeFileSync(join(recordTo, `${name}.json`), `${JSON.stringify(recorded, withoutStackTraces, 1)}\n`);
});

/** Paths of the machine that recorded a history are nobody's business, and replay does not look at them. */
const withoutStackTraces = (key: string, value: unknown) => (key === 'stackTrace' ? '' : value);
