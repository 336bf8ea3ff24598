/** Names for the transactions of one run and its child, the same each time the run is made. */
import type { Lease } from '../../../src/journal/transactions/begin-turn.ts';
import type { TransactionName } from '../../../src/journal/transactions/index.ts';
import type { BegunCall } from '../../../src/journal/transactions/tool-call.ts';
import type { CallOutcome } from '../../../src/runs/outcomes.ts';
import type { Created, Effect } from '../../../src/runs/types.ts';

/** What the arguments of a run's transactions have in common. */
type OfRun = { run_id?: string; lease?: Lease; turn?: number; idx?: number };

/**
 * `lead beginTurn turn 2`, `lead completeCall shop/note`: whose, which, of what; ` (2)` follows for the second of a name. Two
 * calls of one turn run side by side, in any order: a number would not name the same one each time.
 */
export class TransactionNames {
  readonly #runs = new Map<string, 'lead' | 'helper'>();
  /** Tool names, by the id of the call and by its place in its turn. */
  readonly #tools = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** Whether this creates a run, whose transactions are then the ones to be named. A repeated create makes none. */
  beginsRun(name: TransactionName, result: unknown): boolean {
    const created = name === 'createRun' ? createdIn(result) : undefined;
    if (created === undefined) return false;
    this.#runs.clear();
    this.#counts.clear();
    this.#runs.set(created, 'lead');
    return true;
  }

  /** Undefined: it is not one of the run, or the repetition of a create, which writes nothing. */
  of(name: TransactionName, args: unknown, result: unknown): string | undefined {
    const { run_id, lease, turn, idx } = args as OfRun;
    const ofRun = name === 'createRun' ? createdIn(result) : (lease?.run_id ?? run_id);
    const who = ofRun && this.#runs.get(ofRun);
    if (!who) return undefined;
    if (name === 'createChild') this.#noteChild(result as CallOutcome);
    const place = `${ofRun} ${turn}.${idx}`;
    if (name === 'beginCall') this.#noteTool(result as BegunCall, place);
    const step = lease?.step ?? (turn === undefined ? '' : `turn:${turn}`);
    const what = name === 'beginCall' ? this.#tools.get(place) : (this.#tools.get(step) ?? step.replace(':', ' '));
    return this.#counted([who, name, what].filter(Boolean).join(' '));
  }

  #noteChild(outcome: CallOutcome): void {
    if (outcome.outcome === 'child') this.#runs.set(outcome.child.run_id, 'helper');
  }

  #noteTool(begun: BegunCall, place: string): void {
    if (!begun.begun) return;
    this.#tools.set(place, begun.call.name);
    this.#tools.set(begun.lease.step, begun.call.name);
  }

  #counted(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  }
}

function createdIn(result: unknown): string | undefined {
  const { value, replayed } = result as Effect<Created>;
  return replayed ? undefined : value.run_id;
}
