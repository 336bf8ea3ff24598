/**
 * What a process counts, as Prometheus reads it. Label values come from closed sets or from holdfast.yaml: never an organisation, a
 * run, a thread, a key or a user, so that `/metrics` may be read without a key.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { VERSION } from '../version.ts';
import { COMMIT_SECONDS, REQUEST_SECONDS, RUN_SECONDS, WORK_SECONDS } from './buckets.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/** Metrics in a registry of their own: two in one process do not meet. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const sources: (() => Promise<string>)[] = [];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'holdfast_build_info',
    help: '1; the label says which version runs',
    labelNames: ['version'],
    registers,
  }).set({ version: VERSION }, 1);
  return {
    registry,
    /** Adds what another part of the process counts, in Prometheus's text. */
    addSource: (read: () => Promise<string>) => void sources.push(read),
    text: async () => (await Promise.all([registry.metrics(), ...sources.map((read) => read())])).join(''),
    httpRequests: new Counter({
      name: 'holdfast_http_requests_total',
      help: 'HTTP requests answered, by the pattern of their path',
      labelNames: ['method', 'endpoint', 'status'],
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'holdfast_http_request_duration_seconds',
      help: 'Time to the first byte of an answer',
      labelNames: ['method', 'endpoint'],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    ...runMetrics(registers),
    ...workMetrics(registers),
    commitSeconds: new Histogram({
      name: 'holdfast_journal_transaction_duration_seconds',
      help: 'Time from the call of a journal transaction to its commit or refusal',
      labelNames: ['transaction', 'outcome'],
      buckets: COMMIT_SECONDS,
      registers,
    }),
  };
}

function runMetrics(registers: Registry[]) {
  return {
    runsStarted: new Counter({
      name: 'holdfast_runs_started_total',
      help: 'Runs whose first turn began, in a transaction of this process',
      registers,
    }),
    runsEnded: new Counter({
      name: 'holdfast_runs_ended_total',
      help: 'Runs that ended in a transaction of this process',
      labelNames: ['status'],
      registers,
    }),
    runSeconds: new Histogram({
      name: 'holdfast_run_duration_seconds',
      help: 'Time from the begin of a run to its end, waiting included',
      labelNames: ['status'],
      buckets: RUN_SECONDS,
      registers,
    }),
    eventsAppended: new Counter({
      name: 'holdfast_events_appended_total',
      help: 'Events that transactions of this process committed',
      registers,
    }),
    purged: new Counter({
      name: 'holdfast_purged_total',
      help: 'Runs and threads deleted because they were older than retention_days',
      labelNames: ['what'],
      registers,
    }),
  };
}

function workMetrics(registers: Registry[]) {
  return {
    stepsRunning: new Gauge({
      name: 'holdfast_steps_running',
      help: 'Steps that are at work in this process',
      labelNames: ['step'],
      registers,
    }),
    stepSeconds: new Histogram({
      name: 'holdfast_step_duration_seconds',
      help: 'Time that an attempt at a step took',
      labelNames: ['step', 'outcome'],
      buckets: WORK_SECONDS,
      registers,
    }),
    slotSeconds: new Histogram({
      name: 'holdfast_provider_slot_wait_seconds',
      help: 'Time a model step waited because its route had max_concurrency streams',
      labelNames: ['route'],
      buckets: WORK_SECONDS,
      registers,
    }),
    providerSeconds: new Histogram({
      name: 'holdfast_provider_request_duration_seconds',
      help: 'Time from the request to a provider to the end of its answer',
      labelNames: ['route', 'provider', 'outcome'],
      buckets: WORK_SECONDS,
      registers,
    }),
    firstPartSeconds: new Histogram({
      name: 'holdfast_provider_first_part_seconds',
      help: 'Time from the request to a provider to the first part of its answer',
      labelNames: ['route', 'provider'],
      buckets: WORK_SECONDS,
      registers,
    }),
    tokens: new Counter({
      name: 'holdfast_provider_tokens_total',
      help: 'Tokens as providers told them; input includes cached_input, output includes reasoning',
      labelNames: ['route', 'provider', 'kind'],
      registers,
    }),
    toolSeconds: new Histogram({
      name: 'holdfast_tool_call_duration_seconds',
      help: 'Time that one execution of a tool took',
      labelNames: ['kind', 'outcome'],
      buckets: WORK_SECONDS,
      registers,
    }),
  };
}
