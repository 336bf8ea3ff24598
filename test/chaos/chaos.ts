/** One run of chaos: load and faults side by side, then peace, then everything held against what was promised. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/until.ts';
import type { Form } from './forms/form.ts';
import { ChaosClient } from './load/chaos-client.ts';
import { startLoad } from './load/load.ts';
import { check, type Violations } from './oracle/check.ts';
import { collect, type Facts } from './oracle/facts.ts';
import { percentile, recoveries } from './oracle/recovery.ts';
import { Random } from './random.ts';
import { schedule } from './schedule.ts';
import { strike } from './strike.ts';

const READY_WITHIN_MS = 90_000;
const CUT_PART = 0.5;
const PROGRESS_EVERY_MS = 30_000;

export type ChaosOptions = {
  seed: number;
  durationMs: number;
  clients: number;
  say: (line: string) => void;
  /** Where the facts are written when something does not hold. */
  keepIn?: string;
};

export type Report = {
  violations: Violations;
  /** How many of all kinds. */
  violated: number;
  runs: number;
  cases: number;
  faults: Record<string, number>;
  counts: ChaosClient['counts'];
  resets: number;
  unknownOutcomes: number;
  recovery: { samples: number; p50: number | undefined; p99: number | undefined };
};

/** Ends by itself: `durationMs`, then as long as what is under way takes, which is bounded. */
export async function runChaos(form: Form, { seed, durationMs, clients, say, keepIn }: ChaosOptions): Promise<Report> {
  const isReady = () => form.isReady().catch(() => false);
  await until(isReady, 'everything is ready', READY_WITHIN_MS);
  const client = new ChaosClient(form.urls, new Random(`client ${seed}`));
  const faults = schedule(seed, durationMs, [...form.victims, { name: 'readers', weight: 3, kinds: ['cut'] }]);
  const load = startLoad(client, { seed, clients });
  const began = Date.now();
  const progress = setInterval(() => {
    const failed = load.cases.filter(({ failure }) => failure !== undefined).length;
    say(
      `${Math.round((Date.now() - began) / 1000)} s: ${load.cases.length} tasks, ${failed} failed, ${client.counts.repeated} requests repeated`,
    );
  }, PROGRESS_EVERY_MS);
  try {
    const struck = await strike(faults, form.victims, () => client.cutReaders(CUT_PART));
    await delay(Math.max(0, began + durationMs - Date.now()));
    await load.stop();
    await until(isReady, 'everything is ready again', READY_WITHIN_MS);
    const facts = await collect(form, client, { cases: load.cases, struck });
    const report = reportOf(facts, client);
    if (report.violated > 0 && keepIn !== undefined) keep(keepIn, facts, form);
    return report;
  } finally {
    clearInterval(progress);
  }
}

function reportOf(facts: Facts, client: ChaosClient): Report {
  const violations = check(facts);
  const times = recoveries(facts);
  const events = [...facts.runs.values()].flatMap((run) => run.events);
  const faults: Record<string, number> = {};
  for (const { kind, target } of facts.struck) {
    const name = `${kind} ${target.replace(/-\d$/, '')}`;
    faults[name] = (faults[name] ?? 0) + 1;
  }
  return {
    violations,
    violated: Object.values(violations).flat().length,
    ...{ runs: facts.runs.size, cases: facts.cases.length, faults, counts: client.counts },
    resets: events.filter(({ type }) => type === 'message.reset').length,
    unknownOutcomes: events.filter(({ data }) => data.kind === 'unknown_outcome').length,
    recovery: { samples: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
  };
}

/** For who looks into it: the facts, and what the processes said. */
function keep(directory: string, facts: Facts, form: Form): void {
  const whole = { ...facts, runs: [...facts.runs.values()], threads: [...facts.threads] };
  writeFileSync(join(directory, 'facts.json'), JSON.stringify(whole, undefined, 1));
  writeFileSync(join(directory, 'said.log'), form.said());
}
