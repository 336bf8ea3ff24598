import type { Logger } from 'pino';
import { createMetrics, type Metrics } from './metrics.ts';
import { NO_TRACING, type Tracing } from './tracing.ts';

/** What the parts of a process tell of themselves. */
export type Telemetry = { metrics: Metrics; tracing: Tracing };

/** Opens a process's telemetry. Spans are made when `OTEL_EXPORTER_OTLP_ENDPOINT` says who takes them, and only then is OpenTelemetry loaded. */
export async function openTelemetry(log: Logger, env: NodeJS.ProcessEnv = process.env): Promise<Telemetry> {
  const wanted = env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const tracing = wanted ? (await import('./otlp.ts')).otlpTracing(env, log) : NO_TRACING;
  return { metrics: createMetrics(), tracing };
}
