import type { StepObserver } from '../models/step.ts';
import type { Route, Usage } from '../models/types.ts';
import type { Telemetry } from './telemetry.ts';
import { newSpanId, type Place, preciseNow } from './tracing.ts';

const MS_PER_SECOND = 1_000;

/** Watches model steps: the time to a slot, to the first part and to the end, tokens, and one span a request to a provider. */
export function observeModels(telemetry: Telemetry): (route: Route) => StepObserver {
  const { metrics, tracing } = telemetry;
  return (route) => {
    const labels = { route: route.id, provider: route.provider };
    const above = tracing.current();
    const asked = preciseNow();
    let begun = asked;
    let first: number | undefined;
    let finished: { finish_reason: string; usage: Usage } | undefined;
    return {
      begun() {
        begun = preciseNow();
        metrics.slotSeconds.observe({ route: route.id }, (begun - asked) / MS_PER_SECOND);
      },
      part(part) {
        if (part.type === 'finish') finished = part;
        if (first !== undefined) return;
        first = preciseNow();
        metrics.firstPartSeconds.observe(labels, (first - begun) / MS_PER_SECOND);
      },
      ended(outcome) {
        const ended = preciseNow();
        metrics.providerSeconds.observe({ ...labels, outcome }, (ended - begun) / MS_PER_SECOND);
        if (finished && !finished.usage.estimated) countTokens(telemetry, labels, finished.usage);
        if (above) recordRequest(telemetry, { route, above, begun, first, ended, outcome, finished });
      },
    };
  };
}

function countTokens({ metrics }: Telemetry, labels: { route: string; provider: string }, usage: Usage): void {
  metrics.tokens.inc({ ...labels, kind: 'input' }, usage.input_tokens);
  metrics.tokens.inc({ ...labels, kind: 'cached_input' }, usage.cached_input_tokens);
  metrics.tokens.inc({ ...labels, kind: 'output' }, usage.output_tokens);
  metrics.tokens.inc({ ...labels, kind: 'reasoning' }, usage.reasoning_tokens);
}

type Request = {
  route: Route;
  above: Place;
  begun: number;
  first: number | undefined;
  ended: number;
  outcome: string;
  finished: { finish_reason: string; usage: Usage } | undefined;
};

/** Attributes are OpenTelemetry's for generative AI, those alone that hold no content. */
function recordRequest({ tracing }: Telemetry, request: Request): void {
  const { route, above, begun, first, ended, outcome, finished } = request;
  tracing.record({
    name: `chat ${route.model}`,
    kind: 'client',
    place: { trace_id: above.trace_id, span_id: newSpanId() },
    parent: above.span_id,
    started: begun,
    ended,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': route.provider,
      'gen_ai.request.model': route.model,
      'gen_ai.usage.input_tokens': finished?.usage.input_tokens,
      'gen_ai.usage.output_tokens': finished?.usage.output_tokens,
      'holdfast.finish_reason': finished?.finish_reason,
      'holdfast.first_part_ms': first === undefined ? undefined : Math.round(first - begun),
      'holdfast.route': route.id,
      'holdfast.outcome': outcome,
    },
    error: outcome === 'ok' || outcome === 'aborted' ? undefined : outcome,
  });
}
