/** Which plan each run follows: its client knows that of a run it created, a child's is in the call that made it. */
import { type Plan, planIn } from '../plan.ts';
import type { Facts, StoredRun } from './facts.ts';

export function plansOf({ cases, runs }: Pick<Facts, 'cases' | 'runs'>): Map<string, Plan> {
  const plans = new Map(cases.flatMap(({ runs: made }) => made.map(({ run_id, plan }) => [run_id, plan] as const)));
  for (const { parent_run_id, run_id } of runs.values()) {
    const plan = parent_run_id === null ? undefined : planOfChild(runs.get(parent_run_id), run_id);
    if (plan) plans.set(run_id, plan);
  }
  return plans;
}

function planOfChild(parent: StoredRun | undefined, childId: string): Plan | undefined {
  const made = parent?.events.find(({ type, data }) => type === 'tool.progress' && data.run_id === childId);
  const call = parent?.events.find(({ type, data }) => type === 'tool.call' && data.call_id === made?.data.call_id);
  return planIn(String((call?.data.arguments as { input?: string } | undefined)?.input ?? ''));
}
