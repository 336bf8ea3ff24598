import type { CallRef, Wait } from '../src/runs/outcomes.ts';

/** The call that is run once a request is answered. */
export function heldCall([, , about]: Wait): CallRef | undefined {
  return typeof about === 'object' ? about : undefined;
}

/** Whom a request waits for, in the words of the Web UI. */
export function whom([id, , about]: Wait): string {
  if (about === undefined) return `input (${id})`;
  if (typeof about === 'object') return `a person, about ${about[1]} (${id})`;
  if (about === 'tool_outputs') return `its client, for tool outputs (${id})`;
  return `a person, about a ${about} (${id})`;
}
