/** A workflow's history in Temporal, as tests look at it. */
import type { temporal } from '@temporalio/proto';
import type { Stack } from './stack.ts';

export type History = temporal.api.history.v1.IHistory;

/** The whole history of the run's latest workflow. */
export async function historyOf(stack: Stack, runId: string): Promise<History> {
  const { client } = await stack.link.connected();
  return await client.workflow.getHandle(runId).fetchHistory();
}

/** The names in the Web UI of a history's activities, and of the calls that were none of their own: its markers. */
export function summariesOf({ events }: History): { activities: string[]; markers: string[] } {
  const named = (kind: 'activityTaskScheduledEventAttributes' | 'markerRecordedEventAttributes') =>
    (events ?? []).flatMap((event) => {
      const data = event[kind] && event.userMetadata?.summary?.data;
      return data ? [JSON.parse(Buffer.from(data).toString()) as string] : [];
    });
  return {
    activities: named('activityTaskScheduledEventAttributes'),
    markers: named('markerRecordedEventAttributes'),
  };
}

/** Every text in a history, payloads decoded, and the size of each payload in bytes. */
export function textsOf(history: History): { texts: string[]; payloads: number[] } {
  const texts: string[] = [];
  const payloads: number[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (value instanceof Uint8Array) {
      texts.push(Buffer.from(value).toString());
      payloads.push(value.byteLength);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        texts.push(key);
        walk(inner);
      }
    }
  };
  walk(history);
  return { texts, payloads };
}
