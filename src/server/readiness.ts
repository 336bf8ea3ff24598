import { sql } from 'kysely';
import type { Journal } from '../journal/journal.ts';
import type { Holdfast } from '../runs/holdfast.ts';
import type { Engine } from '../temporal/engine.ts';

type Check = { state: string; message?: string };

/** `/readyz`: the database, Temporal and the workers that poll it, each asked for itself. */
export function createReadiness(deps: {
  journal: Journal;
  engine: Engine;
  mayRebuild: () => Promise<boolean>;
}): Holdfast['readiness'] {
  return async () => {
    const [database, temporal, worker] = await Promise.all([
      checkDatabase(deps.journal),
      checkTemporal(deps),
      checkWorker(deps.engine),
    ]);
    const checks = { database, temporal, worker };
    return { ready: Object.values(checks).every((check) => check.state === 'ok'), checks };
  };
}

async function checkDatabase(journal: Journal): Promise<Check> {
  try {
    await sql`select 1`.execute(journal.db);
    await journal.ping();
    return { state: 'ok' };
  } catch (error) {
    return { state: 'unavailable', message: (error as Error).message };
  }
}

async function checkTemporal(deps: { engine: Engine; mayRebuild: () => Promise<boolean> }): Promise<Check> {
  const { engine, mayRebuild } = deps;
  try {
    await engine.ping();
  } catch (error) {
    return { state: 'unreachable', message: engine.link.lastError() ?? (error as Error).message };
  }
  try {
    if (await mayRebuild()) return { state: 'ok' };
  } catch (error) {
    return { state: 'unknown', message: (error as Error).message };
  }
  return {
    state: 'other_namespace',
    message:
      'Temporal is not the one these runs live in: none is rebuilt there until `holdfast doctor --adopt-namespace`.',
  };
}

async function checkWorker(engine: Engine): Promise<Check> {
  try {
    const pollers = await engine.pollers();
    return pollers > 0 ? { state: 'ok' } : { state: 'no_pollers', message: 'No worker polls the task queue.' };
  } catch (error) {
    return { state: 'unknown', message: (error as Error).message };
  }
}
