/** A run of chaos that is short enough for every test run; `npm run chaos` has longer ones. */
import { expect } from 'vitest';
import { runChaos } from './chaos.ts';
import type { Form } from './forms/form.ts';
import { describe } from './report.ts';

const DURATION_MS = 25_000;
const CLIENTS = 6;
/** Bounds that are within the client's own for a run that stands still. */
export const SHORT_RUN_TIMEOUT_MS = 300_000;

/** Throws unless every promise was kept, under a real load and with each of these faults among those of the seed. */
export async function keepsEveryPromise(start: () => Promise<Form>, seed: number, faults: string[]): Promise<void> {
  const form = await start();
  try {
    const report = await runChaos(form, { seed, durationMs: DURATION_MS, clients: CLIENTS, say: () => undefined });
    const text = describe(report);
    console.log(text);
    expect(report.violated, text).toBe(0);
    expect(report.runs).toBeGreaterThan(10);
    expect(Object.keys(report.faults)).toEqual(expect.arrayContaining(faults));
  } finally {
    await form.close();
  }
}
