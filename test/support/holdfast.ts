import { openStack, type Stack } from './stack.ts';

/** The core and its API on a real SQLite file, without Temporal: what is accepted stays queued. */
export function openTestHoldfast(options: Parameters<typeof openStack>[0] = {}): Promise<Stack> {
  return openStack({ temporal: 'none', ...options });
}
