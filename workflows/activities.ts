/** The steps a workflow may take, as types: the activities are in `activities/`. */
import type { CallOutcome, ExpiryOutcome, Position, RunRef, Stop, TurnOutcome } from '../src/runs/outcomes.ts';

export interface RunActivities {
  /** One model step. */
  modelTurn(args: RunRef & { turn: number }): Promise<TurnOutcome>;
  /** One call of a turn. */
  toolCall(args: CallArgs): Promise<CallOutcome>;
  /** Where the journal says the run is. */
  loadRun(args: RunRef): Promise<Stop | Position>;
  /** Ends the run as cancelled, or as failed by the engine. `ask_cancel`: Temporal has not yet been told of the cancel. */
  finishRun(args: RunRef & FinishAs): Promise<Stop>;
  /** Lets the journal decide whether a request was answered or has expired. */
  expireInput(args: RunRef & { request_id: string }): Promise<ExpiryOutcome>;
}

export type CallArgs = RunRef & { turn: number; idx: number };

export type FinishAs = {
  as: { status: 'cancelled'; reason: string } | { status: 'failed'; code: string; message: string };
  ask_cancel?: boolean;
};
