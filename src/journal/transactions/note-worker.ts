import type { TransactionContext, Trx } from '../journal.ts';

/** A process that has not been noted for this long is taken for dead. */
export const WORKER_GONE_MS = 15_000;
/** A build without a process that was first noted longer ago is forgotten. */
const BUILD_FORGOTTEN_MS = 30 * 24 * 60 * 60 * 1000;

const PREFIX = 'worker.build.';

/** A build of Holdfast that works on this journal: since when it is known, and whether a worker of it is alive. */
export type NotedBuild = { build: string; first_at: number; alive: boolean };

type Stored = { first_at: number; processes: Record<string, number> };

/** Notes that a worker of a build is alive, or (`gone`) is no more, and tells of all builds. */
export async function noteWorker(
  trx: Trx,
  args: { build: string; process: string; gone?: boolean },
  ctx: TransactionContext,
): Promise<NotedBuild[]> {
  const key = `${PREFIX}${args.build}`;
  const fresh: Stored = { first_at: ctx.now, processes: {} };
  // Taken before it is read: other processes of the build note themselves in the same row.
  const row = await trx
    .insertInto('meta')
    .values({ key, value: JSON.stringify(fresh) })
    .onConflict((oc) => oc.column('key').doUpdateSet({ key }))
    .returning('value')
    .executeTakeFirstOrThrow();
  const own = JSON.parse(row.value) as Stored;
  own.processes = Object.fromEntries(
    Object.entries({ ...own.processes, [args.process]: ctx.now }).filter(
      ([process, seen]) => isAlive(seen, ctx) && !(args.gone && process === args.process),
    ),
  );
  await trx
    .updateTable('meta')
    .set({ value: JSON.stringify(own) })
    .where('key', '=', key)
    .execute();
  const rows = await trx.selectFrom('meta').selectAll().where('key', 'like', `${PREFIX}%`).orderBy('key').execute();
  const noted = rows.map((it) => tell(it, ctx));
  for (const { build, first_at, alive } of noted) {
    if (alive || build === args.build || first_at > ctx.now - BUILD_FORGOTTEN_MS) continue;
    await trx.deleteFrom('meta').where('key', '=', `${PREFIX}${build}`).execute();
  }
  return noted;
}

function tell({ key, value }: { key: string; value: string }, ctx: TransactionContext): NotedBuild {
  const { first_at, processes } = JSON.parse(value) as Stored;
  const alive = Object.values(processes).some((seen) => isAlive(seen, ctx));
  return { build: key.slice(PREFIX.length), first_at, alive };
}

const isAlive = (seen: number, ctx: TransactionContext) => seen > ctx.now - WORKER_GONE_MS;
