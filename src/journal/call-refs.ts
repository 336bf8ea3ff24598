import type { CallRef } from '../runs/outcomes.ts';

/** Characters that the names of all calls of a turn may take in its outcome. */
const NAMES_LENGTH = 480;

/**
 * How the workflow is told of calls; `brief` when it is to run all of them as local activities. Names are for the Web UI only; they
 * are cut so that any number of calls fits in the outcome. A name that the run did not offer is a text of the model, which stays out
 * of Temporal's history.
 */
export function callRefs(calls: RefersTo[], brief = false): CallRef[] {
  const length = Math.max(8, Math.floor(NAMES_LENGTH / Math.max(1, calls.length)));
  return calls.map((call) => {
    const name = label(call).slice(0, Math.min(64, length));
    return brief ? [call.idx, name, 1] : [call.idx, name];
  });
}

type RefersTo = { idx: number; name: string; offered: boolean | number };

/** One byte a character: the outcome's size is counted in bytes. */
function label(call: RefersTo): string {
  return call.offered ? call.name.replace(/[^ -~]/g, '?') : 'unknown tool';
}
