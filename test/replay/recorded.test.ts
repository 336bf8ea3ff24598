/**
 * Histories recorded from earlier versions replay with the workflow as it is: a run that is active during an upgrade goes on.
 * How they are recorded: `test/replay/live.test.ts`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { bundleWorkflows } from '../../worker/bundle.ts';
import { installRuntime } from '../../worker/runtime.ts';
import { stories } from './stories.ts';

const HISTORIES = join(import.meta.dirname, '../histories');
type Recorded = { workflow_id: string; history: object };

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  await installRuntime(createLog('silent'));
  workflowBundle = await bundleWorkflows(createLog('silent'));
});

function read(version: string, name: string): Recorded {
  return JSON.parse(readFileSync(join(HISTORIES, version, `${name}.json`), 'utf8')) as Recorded;
}

describe.each(readdirSync(HISTORIES))('a history recorded from %s', (version) => {
  const names = readdirSync(join(HISTORIES, version)).map((file) => file.replace(/\.json$/, ''));

  it.each(names)('replays: %s', async (name) => {
    const { history, workflow_id } = read(version, name);
    await Worker.runReplayHistory({ workflowBundle }, history, workflow_id);
  });
});

describe('the recorded histories', () => {
  it('of the newest version hold every kind of run', () => {
    const newest = readdirSync(HISTORIES).sort().at(-1) as string;
    const names = readdirSync(join(HISTORIES, newest)).map((file) => file.replace(/\.json$/, ''));
    expect(names.sort()).toEqual(Object.keys(stories).sort());
  });

  it('are looked at: one with a step that the workflow does not take is refused', async () => {
    const { history, workflow_id } = read('v1', 'question-and-answer');
    const text = JSON.stringify(history).replaceAll('"modelTurn"', '"anotherStep"');
    await expect(Worker.runReplayHistory({ workflowBundle }, JSON.parse(text), workflow_id)).rejects.toThrow(
      DeterminismViolationError,
    );
  });
});
