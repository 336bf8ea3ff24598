import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

const POLL_MS = 20;
/** Types of events that are written to the visibility store: a workflow's start, its end, and each change in between. */
const VISIBLE = [
  'workflowExecutionStartedEventAttributes',
  'upsertWorkflowSearchAttributesEventAttributes',
  'workflowPropertiesModifiedEventAttributes',
] as const;
/** Its end is written once more. */
const END = 1;

export type History = { events: number; bytes: number; visibilityWrites: number };

/** What Temporal stores of a workflow, when it has closed. */
export async function historyOf(client: Client, workflowId: string): Promise<History> {
  const handle = client.workflow.getHandle(workflowId);
  for (;;) {
    const { status, historyLength, historySize } = await handle.describe();
    if (status.name !== 'RUNNING') {
      const { events } = await handle.fetchHistory();
      const visible = (events ?? []).filter((event) => VISIBLE.some((attributes) => event[attributes]));
      return { events: historyLength, bytes: historySize ?? Number.NaN, visibilityWrites: visible.length + END };
    }
    await delay(POLL_MS);
  }
}

export function mean(histories: History[]): History {
  const of = (key: keyof History) => histories.reduce((sum, it) => sum + it[key], 0) / histories.length;
  return { events: of('events'), bytes: of('bytes'), visibilityWrites: of('visibilityWrites') };
}
