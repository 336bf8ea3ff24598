/** What a notification carries: runs, each with its newest seq or the word that it is to be aborted. */

/** PostgreSQL takes payloads under 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_900;
const ABORT = '!';

export type WakeUp = { run_id: string /** Absent: abort the run. */; last_seq?: number };

/** As few payloads as hold them all. */
export function packWakeUps(told: ReadonlyMap<string, number>, aborted: ReadonlySet<string>): string[] {
  const parts = [
    ...[...told].map(([runId, seq]) => `${runId}:${seq}`),
    ...[...aborted].map((runId) => `${runId}:${ABORT}`),
  ];
  const payloads: string[] = [];
  let payload = '';
  for (const part of parts) {
    // Ids and numbers are ASCII: a character is a byte.
    if (payload.length + 1 + part.length > MAX_PAYLOAD_BYTES) {
      payloads.push(payload);
      payload = part;
    } else payload = payload === '' ? part : `${payload} ${part}`;
  }
  return payload === '' ? payloads : [...payloads, payload];
}

export function unpackWakeUps(payload: string): WakeUp[] {
  const parts = payload.split(' ').filter((part) => part !== '');
  return parts.map((part) => {
    const [run_id = '', seq = ''] = part.split(':');
    return seq === ABORT ? { run_id } : { run_id, last_seq: Number(seq) };
  });
}
