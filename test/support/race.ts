/** Races on PostgreSQL: what a first transaction has done and not committed, a second comes to meet. */
import type { Journal } from '../../src/journal/journal.ts';
import { openPostgresJournal } from '../../src/journal/postgres/postgres-journal.ts';
import type { Lease } from '../../src/journal/transactions/begin-turn.ts';
import type { TransactionArgs, TransactionName, TransactionResult } from '../../src/journal/transactions/index.ts';
import type { RunRef } from '../../src/runs/outcomes.ts';
import { createArgs, ROUTE, type RunIds } from './clocked-journal.ts';
import { type HeldTransaction, holdTransaction, untilWaiting } from './held-transaction.ts';
import { createDatabase } from './postgres-database.ts';

type Write = <N extends TransactionName>(name: N, args: TransactionArgs<N>) => Promise<TransactionResult<N>>;
export type Races = Awaited<ReturnType<typeof openRaces>>;

export async function openRaces() {
  const url = await createDatabase();
  const journal: Journal = await openPostgresJournal({ url });
  const { db } = journal;
  const write: Write = (name, args) => journal.write(name, args);
  return {
    ...{ url, journal, db, write },
    hold: (): Promise<HeldTransaction> => holdTransaction(url),
    untilWaiting: () => untilWaiting(url),
    /**
     * Does `first` without its commit, sees that `second` waits for it, and lets it commit; gives what became of `second`, also where
     * it was refused.
     */
    async meet<T>(
      first: (held: Write) => Promise<unknown>,
      second: () => Promise<T>,
    ): Promise<PromiseSettledResult<T>> {
      const held = await holdTransaction(url);
      await first(held.run);
      const waiting = Promise.allSettled([second()]);
      await untilWaiting(url);
      await held.commit();
      return (await waiting)[0];
    },
    async create(more: Partial<TransactionArgs<'createRun'>> = {}): Promise<RunIds> {
      const { value } = await journal.write('createRun', createArgs(more));
      return { org_id: 'org_a', run_id: value.run_id, thread_id: value.thread_id, epoch: 0 };
    },
    async lease({ org_id, run_id, epoch }: RunRef, turn = 1): Promise<Lease> {
      const args = { ...{ org_id, run_id, epoch, turn }, route: ROUTE, temporal_run_id: '' };
      const begun = await journal.write('beginTurn', args);
      if (!begun.begun) throw new Error(`turn ${turn} did not begin: ${JSON.stringify(begun.outcome)}`);
      return begun.lease;
    },
    row: (runId: string) => db.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow(),
    activeOn: async (threadId: string): Promise<string | null | undefined> =>
      (await db.selectFrom('threads').select('active_run_id').where('id', '=', threadId).executeTakeFirst())
        ?.active_run_id,
    outbox: async (runId: string): Promise<string[]> =>
      (await db.selectFrom('outbox').select('kind').where('run_id', '=', runId).orderBy('id').execute()).map(
        (row) => row.kind,
      ),
    close: () => journal.close(),
  };
}

/** What became of the second of two: its value, or the code of its refusal. */
export function outcomeOf<T>(settled: PromiseSettledResult<T>): T | string {
  if (settled.status === 'fulfilled') return settled.value;
  const { code } = settled.reason as { code?: string };
  if (code === undefined) throw settled.reason;
  return code;
}
