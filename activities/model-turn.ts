import { activityInfo, CancelledFailure } from '@temporalio/activity';
import { HoldfastError } from '../src/errors.ts';
import { newLeaseToken } from '../src/ids.ts';
import { budgetLeft } from '../src/journal/budget.ts';
import type { TurnCall } from '../src/journal/open-calls.ts';
import { specOf } from '../src/journal/run-row.ts';
import type { BegunTurn } from '../src/journal/transactions/begin-turn.ts';
import type { ReleaseReason } from '../src/journal/transactions/fail-attempt.ts';
import { estimateInput, estimateUsage } from '../src/models/estimate.ts';
import { costUsd } from '../src/models/prices.ts';
import {
  type FinishReason,
  ModelError,
  type ModelRequest,
  type Route,
  type ToolSpec,
  type Usage,
} from '../src/models/types.ts';
import type { RunRef, TurnOutcome } from '../src/runs/outcomes.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { DeltaWriter } from './delta-writer.ts';
import { modelRequest } from './model-request.ts';
import { patiently } from './patience.ts';
import { openStepSignal, type StepSignal } from './step-signal.ts';
import { releaseReason, retry } from './turn-retry.ts';

const NO_USAGE: Usage = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, reasoning_tokens: 0 };

type Begun = Extract<BegunTurn, { begun: true }>;

/**
 * One model step: a lease, the provider's stream into the journal, and the turn's outcome in one commit. A turn already done
 * answers with what was recorded and calls no provider. Fails only so that Temporal tries it again.
 */
export async function modelTurn(deps: ActivityDeps, args: RunRef & { turn: number }): Promise<TurnOutcome> {
  const step = openStepSignal(deps.journal, args.run_id);
  step.handOverWith(deps.handover.repeatable);
  try {
    const route = await routeOf(deps, args);
    if (!route) return await routeGone(deps, args);
    const fallback = fallbackOf(deps, route)?.id ?? null;
    const begun = await deps.write('beginTurn', {
      ...args,
      route: { id: route.id, model: route.model, fallback, price: route.price, context_tokens: route.context_tokens },
      temporal_run_id: activityInfo().workflowExecution?.runId,
      token: newLeaseToken(),
    });
    if (!begun.begun) return begun.outcome;
    return await new Attempt(deps, route, args.turn, begun, step).run();
  } finally {
    step.done();
  }
}

/** The route the run is on; when it was removed from the configuration, its fallback. */
async function routeOf(deps: ActivityDeps, args: RunRef): Promise<Route | undefined> {
  const run = await deps.journal.db
    .selectFrom('runs')
    .select(['route_id', 'fallback_route_id'])
    .where('id', '=', args.run_id)
    .where('org_id', '=', args.org_id)
    .executeTakeFirst();
  if (!run) throw new HoldfastError('runs.not_found', `No run ${args.run_id}.`);
  return deps.models.route(run.route_id) ?? deps.models.route(run.fallback_route_id ?? '');
}

async function routeGone(deps: ActivityDeps, args: RunRef): Promise<TurnOutcome> {
  const message = 'The route of this run is no longer configured, and it has no fallback.';
  return await deps.write('finishRun', {
    ...args,
    as: { status: 'failed', code: 'routes.not_found', message },
  });
}

function fallbackOf(deps: ActivityDeps, route: Route): Route | undefined {
  return route.fallback === null ? undefined : deps.models.route(route.fallback);
}

/** One attempt at a turn, from its lease to its outcome. */
class Attempt {
  readonly #deps: ActivityDeps;
  readonly #route: Route;
  readonly #turn: number;
  readonly #begun: Begun;
  readonly #step: StepSignal;
  readonly #writer: DeltaWriter;
  readonly #calls: TurnCall[] = [];
  #content = '';
  /** Characters of text and reasoning so far. */
  #said = 0;
  #request: ModelRequest | undefined;
  #finish: { finish_reason: FinishReason; usage: Usage } | undefined;

  constructor(deps: ActivityDeps, route: Route, turn: number, begun: Begun, step: StepSignal) {
    this.#deps = deps;
    this.#route = route;
    this.#turn = turn;
    this.#begun = begun;
    this.#step = step;
    this.#writer = new DeltaWriter(deps.write, begun.lease, () => step.stop('lease_lost'));
  }

  async run(): Promise<TurnOutcome> {
    try {
      await this.#stream();
      return await this.#complete();
    } catch (error) {
      return await this.#giveUp(error);
    }
  }

  async #stream(): Promise<void> {
    const offer = await this.#deps.tools.offer(specOf(this.#begun.run));
    const request = await this.#prepare(offer.specs);
    this.#request = request;
    const common = { message_id: this.#begun.message_id, turn: this.#turn };
    for await (const part of this.#deps.models.stream(this.#route, request, this.#step.signal)) {
      if (part.type === 'text') {
        this.#content += part.text;
        this.#said += part.text.length;
        await this.#writer.push('message.delta', { ...common, content: part.text });
      } else if (part.type === 'reasoning') {
        this.#said += part.text.length;
        await this.#writer.push('reasoning.delta', { ...common, content: part.text });
      } else if (part.type === 'tool_call') {
        this.#calls.push(offer.read(part));
      } else {
        this.#finish = part;
      }
    }
  }

  async #prepare(tools: ToolSpec[]): Promise<ModelRequest> {
    const { run, provider_errors } = this.#begun;
    const left = budgetLeft(run, this.#route.price?.output ?? null, Date.now());
    if (left.deadline_ms !== undefined) this.#step.deadlineIn(left.deadline_ms);
    const turn = { number: this.#turn, tools, attempt: provider_errors + 1 };
    const { db } = this.#deps.journal;
    // Not left to the next attempt: that would count the lease as one of a worker that was lost, and charge a request never made.
    const read = () => modelRequest(db, this.#route, run, turn, left);
    const { request, dropped } = await patiently(read, this.#step.signal);
    if (dropped > 0) await this.#sayTruncated(request, dropped);
    return request;
  }

  async #sayTruncated(request: ModelRequest, dropped: number): Promise<void> {
    const sizes = { prompt_tokens: estimateInput(this.#route, request), context_tokens: this.#route.context_tokens };
    const data = { turn: this.#turn, dropped_messages: dropped, ...sizes };
    await this.#writer.push('prompt.truncated', data);
  }

  async #complete(): Promise<TurnOutcome> {
    const usage = this.#finish?.usage ?? this.#estimate();
    return await this.#deps.write('completeTurn', {
      lease: this.#begun.lease,
      turn: this.#turn,
      message_id: this.#begun.message_id,
      events: await this.#writer.rest(),
      content: this.#content,
      calls: this.#calls,
      finish_reason: this.#finish?.finish_reason ?? 'other',
      usage,
      cost_usd: costUsd(this.#route, usage),
    });
  }

  /** Says in the journal why the attempt ended, then tells Temporal: an outcome, its own cancel, or when to try again. */
  async #giveUp(error: unknown): Promise<TurnOutcome> {
    const { signal } = this.#step;
    const reason: unknown = signal.aborted ? signal.reason : error;
    const release = releaseReason(reason);
    if (!release) throw error;
    const failed = await this.#release(release, reason instanceof ModelError ? reason : undefined);
    if (reason instanceof CancelledFailure && release !== 'worker_shutdown') throw reason;
    if (failed.outcome !== 'retry') return failed;
    throw retry(release, reason, failed, this.#step.deadlineLeft());
  }

  async #release(release: ReleaseReason, error: ModelError | undefined) {
    const usage = this.#finish?.usage ?? (this.#refused(error) ? NO_USAGE : this.#estimate());
    const fallback = fallbackOf(this.#deps, this.#route);
    return await this.#deps.write('failAttempt', {
      lease: this.#begun.lease,
      events: await this.#writer.rest(),
      usage,
      cost_usd: costUsd(this.#route, usage),
      release,
      ...(error ? { error: { code: error.code, message: error.message, retryable: error.retryable } } : {}),
      retries: this.#route.retries,
      fallback: fallback
        ? { id: fallback.id, model: fallback.model, fallback: fallbackOf(this.#deps, fallback)?.id ?? null }
        : null,
    });
  }

  /** The provider turned the request away, or was not there: no work was done, nothing is charged. */
  #refused(error: ModelError | undefined): boolean {
    const unanswered =
      error?.status !== undefined || error?.code === 'provider.unavailable' || error?.code === 'provider.failed';
    return unanswered && this.#said === 0 && this.#calls.length === 0;
  }

  /** What a cut attempt cost, where the provider did not say; nothing when no request was made. */
  #estimate(): Usage {
    if (this.#request) return estimateUsage(this.#request, this.#said, estimateInput(this.#route, this.#request));
    return NO_USAGE;
  }
}
