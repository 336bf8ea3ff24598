/** An OpenTelemetry collector on 127.0.0.1: takes OTLP over HTTP in protobuf, as the exporter of a real one would be reached. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';

/** The part of OTLP that a span needs. @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
const PROTO = `
syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; Status status = 15;
}
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`;

export type CollectedSpan = {
  trace_id: string;
  span_id: string;
  /** Empty for a root. */
  parent: string;
  name: string;
  /** Nanoseconds since 1970. */
  started: bigint;
  ended: bigint;
  attributes: Record<string, unknown>;
  error: string | undefined;
};

type Value = { string_value?: string; bool_value?: boolean; int_value?: string; double_value?: number };
type Raw = {
  trace_id: Uint8Array;
  span_id: Uint8Array;
  parent_span_id?: Uint8Array;
  name: string;
  start_time_unix_nano: string;
  end_time_unix_nano: string;
  attributes?: { key: string; value: Value }[];
  status?: { message?: string; code?: number };
};
type Scopes = { resource?: { attributes?: { key: string; value: Value }[] }; scope_spans?: { spans?: Raw[] }[] };

const Request = protobuf.parse(PROTO, { keepCase: true }).root.lookupType('Request');
const ERROR = 2;

export async function startCollector() {
  const spans: CollectedSpan[] = [];
  const bodies: Buffer[] = [];
  const services = new Set<unknown>();
  /** What the collector answers. */
  let status = 200;
  const headers: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    bodies.push(body);
    headers.push({ path: request.url, ...request.headers });
    const decoded = Request.toObject(Request.decode(body), { longs: String }) as { resource_spans?: Scopes[] };
    for (const { resource, scope_spans = [] } of decoded.resource_spans ?? []) {
      services.add(resource?.attributes?.find(({ key }) => key === 'service.name')?.value.string_value);
      for (const scope of scope_spans) spans.push(...(scope.spans ?? []).map(spanOf));
    }
    response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    /** All that was sent, as it came over the wire. */
    raw: () => Buffer.concat(bodies),
    headers,
    services,
    answer: (code: number) => {
      status = code;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const hex = (bytes: Uint8Array = new Uint8Array()) => Buffer.from(bytes).toString('hex');

function spanOf(raw: Raw): CollectedSpan {
  return {
    trace_id: hex(raw.trace_id),
    span_id: hex(raw.span_id),
    parent: hex(raw.parent_span_id),
    name: raw.name,
    started: BigInt(raw.start_time_unix_nano),
    ended: BigInt(raw.end_time_unix_nano),
    attributes: Object.fromEntries((raw.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]])),
    error: raw.status?.code === ERROR ? (raw.status.message ?? '') : undefined,
  };
}
