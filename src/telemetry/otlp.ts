/**
 * Spans to an OpenTelemetry collector, OTLP over HTTP. The exporter reads the standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT`,
 * `…_HEADERS`, `…_TIMEOUT`); nothing is registered globally.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  type IdGenerator,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import { VERSION } from '../version.ts';
import { type EndedSpan, type Tracing, tracingTo } from './tracing.ts';

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL };
/** How often spans are sent, and how many may wait for it; more are dropped. */
const EXPORT_EVERY_MS = 1_000;
const MAX_WAITING_SPANS = 8_192;
/** A collector that is gone must not keep a process from its end. */
const LAST_EXPORT_MS = 2_000;

/** Gives out the ids that the next span is to have: spans are made when they are over, from ids that are known. */
class GivenIds implements IdGenerator {
  next = { trace_id: '', span_id: '' };
  generateTraceId = (): string => this.next.trace_id;
  generateSpanId = (): string => this.next.span_id;
}

export function otlpTracing(env: NodeJS.ProcessEnv, log: Logger): Tracing {
  const ids = new GivenIds();
  const provider = new TracerProvider({
    idGenerator: ids,
    // By the trace's id alone, so that every process decides alike and a trace is whole or absent.
    sampler: new TraceIdRatioBasedSampler(sampledShare(env)),
    resource: resourceFromAttributes({ 'service.name': 'holdfast', 'service.version': VERSION }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: told(new OTLPTraceExporter(), log),
        scheduledDelayMillis: EXPORT_EVERY_MS,
        maxQueueSize: MAX_WAITING_SPANS,
      }),
    ],
  });
  const tracer = provider.getTracer('holdfast', VERSION);

  function record({ name, kind, place, parent, started, ended, attributes, error }: EndedSpan): void {
    ids.next = place;
    const { trace_id: traceId } = place;
    const above = { traceId, spanId: parent ?? '', traceFlags: TraceFlags.SAMPLED, isRemote: true };
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, above);
    const span = tracer.startSpan(name, { kind: KINDS[kind], startTime: started, attributes }, context);
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(ended);
  }

  return tracingTo(record, async () => {
    const gaveUp = new Promise<void>((resolve) => setTimeout(resolve, LAST_EXPORT_MS).unref());
    await Promise.race([provider.shutdown(), gaveUp]);
  });
}

/** The exporter, with a line in the log when the collector no longer takes spans, and when it does again. */
function told(exporter: SpanExporter, log: Logger): SpanExporter {
  let failing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined;
        if (failed && !failing) log.warn({ error: result.error?.message }, 'the collector does not take traces');
        if (!failed && failing) log.info('the collector takes traces again');
        failing = failed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => await exporter.forceFlush?.(),
  };
}

/** The share of traces that is kept, of `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`; without them all are. */
export function sampledShare(env: NodeJS.ProcessEnv): number {
  const sampler = env.OTEL_TRACES_SAMPLER ?? '';
  if (sampler.endsWith('always_off')) return 0;
  const share = Number(env.OTEL_TRACES_SAMPLER_ARG ?? '1');
  return sampler.endsWith('traceidratio') && share >= 0 && share <= 1 ? share : 1;
}
