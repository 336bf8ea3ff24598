/**
 * What a step tells the workflow: types only, small enough for Temporal's history (under 2 KB a payload), references and
 * counts, never a text of users or models.
 */

import type { RequestKind } from './types.ts';

/**
 * An open request: its id, and when it expires (milliseconds since 1970). About a call (an approval, an unknown outcome): it is
 * run once the request is answered. Else its kind, for the Web UI; the first version of the workflow was not told.
 */
export type Wait = [requestId: string, expiresAt: number, about?: CallRef | RequestKind];

/**
 * A call to run as an activity: its place in the turn, and its name for the Web UI (cut where many fit in one payload). A brief one, which
 * may be repeated and is soon over as all calls of its turn are, is run as a local activity: half of what it costs Temporal is saved.
 */
export type CallRef = [idx: number, name: string, brief?: 1];

/** Where a run stands that did not simply take its next step. */
export type Stop =
  /** The run has a terminal event; the workflow closes in the same way. */
  | { outcome: 'ended'; status: 'completed' | 'failed' | 'cancelled'; code?: string }
  /** Cancel was requested: finish as cancelled. */
  | { outcome: 'cancelled' }
  /** The journal lacks a step this workflow has seen done: start again from the journal. */
  | { outcome: 'behind' }
  /** A later copy of this workflow owns the run: close quietly. */
  | { outcome: 'superseded' };

export type TurnOutcome =
  | Stop
  /** The turn called tools: run `calls`, wait for `waits` and for the time `until`, then the next turn. */
  | { outcome: 'tools'; calls: CallRef[]; waits: Wait[]; until?: number }
  /** A budget is spent and a person is asked: wait, then the same turn again. */
  | { outcome: 'wait'; waits: Wait[] };

export type CallOutcome =
  | Stop
  | { outcome: 'done' }
  /** The call needs a person's word first: wait, then the same call again. */
  | { outcome: 'wait'; wait: Wait }
  /** A child run answers the call: run it to its end, then the same call again. */
  | { outcome: 'child'; child: ChildRef };

/** A child run, with what its workflow is started with. One that began already goes on from what the journal says. */
export type ChildRef = {
  run_id: string;
  thread_id: string;
  epoch: number;
  resume: boolean;
  persona: string;
  model: string;
};

export type ExpiryOutcome = Stop | { outcome: 'answered' } | { outcome: 'early'; expires_at: number };

/** Where the journal says a run is: `turn` is the next to take once `calls` and `waits` are done. */
export type Position = { outcome: 'position'; turn: number; calls: CallRef[]; waits: Wait[]; until?: number };

/** What every step needs to name: whose run, which one, which copy of the workflow asks. */
export type RunRef = { org_id: string; run_id: string; epoch: number };
