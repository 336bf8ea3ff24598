/**
 * Spans of a run, all under its `trace_id`. They are made by the API, the steps and the journal; the workflow makes none, so that its
 * code stays small and its histories the same with tracing on and off. What joins the processes is derived, not sent: the span of a
 * run has an id that anyone who knows the run's id can tell.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomBytes } from 'node:crypto';

/** Where a span is: 32 and 16 hex digits. */
export type Place = { trace_id: string; span_id: string };

/** Names, ids, counts and codes: never a text of users, models or tools. */
export type SpanAttributes = Record<string, string | number | boolean | undefined>;

export type EndedSpan = {
  name: string;
  kind: 'server' | 'client' | 'internal';
  place: Place;
  /** The span above, in the same trace. */
  parent: string | undefined;
  /** Milliseconds since 1970. */
  started: number;
  ended: number;
  attributes: SpanAttributes;
  /** What went wrong, as a code. */
  error?: string | undefined;
};

/** A span that goes on: what is only known at its end is added to it. */
export type OpenSpan = { attributes: SpanAttributes; error?: string | undefined };

export type Tracing = {
  /** Whether anybody takes spans; what only serves them is spared otherwise. */
  readonly on: boolean;
  /** The span that the caller works in. */
  current(): Place | undefined;
  /** Does `work` in a span; what `work` throws is thrown, and marks the span. */
  span<T>(
    at: { name: string; kind: EndedSpan['kind']; trace_id: string; parent: string | undefined },
    work: (span: OpenSpan) => Promise<T>,
  ): Promise<T>;
  /** Adds a span that is over already. */
  record(span: EndedSpan): void;
  /** Sends what is left, within seconds. */
  close(): Promise<void>;
};

const SPAN_ID_BYTES = 8;

export const newSpanId = (): string => randomBytes(SPAN_ID_BYTES).toString('hex');

/** The span of a run from its acceptance to its end, above those of its steps. */
export const runSpanId = (runId: string): string => derivedId(`run ${runId}`);

/** The span of the transaction that accepted a run, above the run's own. */
export const acceptedSpanId = (runId: string): string => derivedId(`accepted ${runId}`);

const derivedId = (of: string): string =>
  createHash('sha256')
    .update(of)
    .digest('hex')
    .slice(0, SPAN_ID_BYTES * 2);

/** Milliseconds since 1970, finer than the system clock's. */
export const preciseNow = (): number => performance.timeOrigin + performance.now();

export const NO_TRACING: Tracing = {
  on: false,
  current: () => undefined,
  span: (_, work) => work({ attributes: {} }),
  record: () => undefined,
  close: async () => undefined,
};

/** Tracing that hands each span that ended to `record`. */
export function tracingTo(record: Tracing['record'], close: Tracing['close']): Tracing {
  const places = new AsyncLocalStorage<Place>();
  return {
    on: true,
    current: () => places.getStore(),
    async span({ name, kind, trace_id, parent }, work) {
      const place = { trace_id, span_id: newSpanId() };
      const started = preciseNow();
      const span: OpenSpan = { attributes: {} };
      try {
        return await places.run(place, () => work(span));
      } catch (error) {
        span.error ??= codeOf(error);
        throw error;
      } finally {
        record({ name, kind, place, parent, started, ended: preciseNow(), ...span });
      }
    },
    record,
    close,
  };
}

/** The code of an error, or the name of its class: its message may hold anything. */
export function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'error';
}
