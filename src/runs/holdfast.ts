/**
 * The core as its callers see it: the few things one can do to a run, a thread, a persona. HTTP dialects hold one
 * `Holdfast` and nothing else: no SQL, no Temporal. Every method refuses with a `HoldfastError` whose code is the
 * contract's; what belongs to another organisation is `*.not_found`.
 */
import type { ContentPart, RouteInfo } from '../models/types.ts';
import type {
  Answer,
  Caller,
  Created,
  CreateRun,
  Effect,
  EventStream,
  Idempotency,
  MessageView,
  Page,
  PageOf,
  PendingInput,
  PersonaDefinition,
  PersonaView,
  RunDetails,
  RunFilter,
  RunRow,
  ThreadView,
} from './types.ts';

export interface Holdfast {
  /** The caller behind a bearer token. Errors: `auth.invalid_token` (unknown, expired, revoked). */
  authenticate(token: string, traceId: string): Promise<Caller>;

  createThread(
    caller: Caller,
    input: { title?: string; metadata?: Record<string, string> },
    once?: Idempotency,
  ): Promise<Effect<ThreadView>>;
  /** Newest first. Errors: `validation.failed` for an unknown cursor, as in every list. */
  listThreads(caller: Caller, page: Page): Promise<PageOf<ThreadView>>;
  /** Errors: `threads.not_found`, as in every method that takes a thread. */
  getThread(caller: Caller, threadId: string): Promise<ThreadView>;
  updateThread(
    caller: Caller,
    threadId: string,
    patch: { title?: string | null; metadata?: Record<string, string> },
  ): Promise<ThreadView>;
  /** Deletes the thread with its messages, runs and events. Errors: `threads.busy` while a run is active. */
  deleteThread(caller: Caller, threadId: string): Promise<void>;

  /** Errors: `threads.busy` while a run is active. */
  createMessage(
    caller: Caller,
    threadId: string,
    input: { role: 'user' | 'assistant'; content: string | ContentPart[] },
    once?: Idempotency,
  ): Promise<Effect<MessageView>>;
  /** Newest first, or oldest first from `after`. */
  listMessages(caller: Caller, threadId: string, page: Page & { after?: string }): Promise<PageOf<MessageView>>;

  /**
   * Starts a run on a thread, or on a new one when `threadId` is null. Accepted means it will run, also with Temporal down.
   * Errors: `threads.busy` (details.active_run_id), `validation.failed` (unknown persona, route, model, tool; a looser budget),
   * `limits.active_runs` (retryAfterS).
   */
  createRun(caller: Caller, threadId: string | null, input: CreateRun, once?: Idempotency): Promise<Effect<Created>>;
  listRuns(caller: Caller, filter: RunFilter, page: Page): Promise<PageOf<RunRow>>;
  /** Errors: `runs.not_found`, as in every method that takes a run. `live` asks Temporal too, for at most 250 ms. */
  getRun(caller: Caller, runId: string, options?: { live?: boolean }): Promise<RunDetails>;
  /** Repeatable; nothing changes for a run that has ended. */
  cancelRun(caller: Caller, runId: string, once?: Idempotency): Promise<Effect<{ ok: true }>>;
  /**
   * Puts a user message before the next turn of an active run, which takes one more turn where it would have ended.
   * Errors: `runs.not_active`, `limits.run_messages` (retryAfterS).
   */
  addRunMessage(
    caller: Caller,
    runId: string,
    content: string | ContentPart[],
    once?: Idempotency,
  ): Promise<Effect<MessageView>>;
  /**
   * Answers an open request. Errors: `runs.not_waiting`, `runs.not_active`, `runs.input_stale`, `runs.input_ambiguous`,
   * `inputs.not_found`, `validation.failed` (empty, too large, or no answer of this kind: the request stays open).
   */
  answerRun(caller: Caller, runId: string, answer: Answer, once?: Idempotency): Promise<Effect<{ ok: true }>>;
  /**
   * The run's events after `afterSeq` as SSE frames. Errors: `validation.failed` when `afterSeq` is beyond `last_seq`.
   * The stream ends when `signal` aborts, the key is revoked, or the terminal event was sent.
   */
  events(
    caller: Caller,
    runId: string,
    options: { afterSeq: number; follow: boolean; signal?: AbortSignal },
  ): Promise<EventStream>;

  /** The organisation's open requests, oldest first. */
  listInputs(caller: Caller, page: Page): Promise<PageOf<PendingInput>>;

  /** The newest version of each, newest first; the cursor is a persona's `key`. */
  listPersonas(caller: Caller, page: Page): Promise<PageOf<PersonaView>>;
  /** `ref` is `key` (newest version) or `key@version`. Errors: `personas.not_found`. */
  getPersona(caller: Caller, ref: string): Promise<PersonaView>;
  /** Makes the next version of that key. Errors: `validation.failed`. */
  createPersona(caller: Caller, definition: PersonaDefinition, once?: Idempotency): Promise<Effect<PersonaView>>;

  routes(): RouteInfo[];
  /** Each part's own state; `ready` only when all are `ok`. */
  readiness(): Promise<{ ready: boolean; checks: Record<string, { state: string; message?: string }> }>;
}
