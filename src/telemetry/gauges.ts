/** What is read when somebody scrapes: state that the journal, the readers and the connection hold anyway. */
import type { Logger } from 'pino';
import { Gauge } from 'prom-client';
import type { Journal } from '../journal/journal.ts';
import { notEnded } from '../journal/not-ended.ts';
import type { OutboxKind } from '../journal/schema.ts';
import type { RunStatus } from '../runs/types.ts';
import type { Metrics } from './metrics.ts';

/** Intents looked at for the age of each kind's oldest: the oldest of all come first, so what is stuck is among them. */
export const OUTBOX_LOOK = 1_000;
const MS_PER_SECOND = 1_000;

const ACTIVE: RunStatus[] = ['queued', 'running', 'waiting_for_input', 'cancelling'];
const KINDS: OutboxKind[] = ['start', 'input', 'cancel', 'child'];

/** Adds the gauges. Where the journal cannot be read they are absent from the answer, and the rest is there. */
export function addGauges(
  { registry }: Metrics,
  sources: { journal: Journal; readers: () => number; temporalReachable: () => boolean; log: Logger },
): void {
  const { journal, log } = sources;
  const registers = [registry];
  const fromJournal = (gauge: Gauge, read: () => Promise<void>) =>
    read().catch((error: Error) => {
      gauge.reset();
      log.warn({ error: error.message }, 'a gauge could not be read from the journal');
    });
  new Gauge({
    name: 'holdfast_runs_active',
    help: 'Runs in the journal that have not ended, the same in every process',
    labelNames: ['status'],
    registers,
    collect() {
      return fromJournal(this, async () => {
        const counts = await activeRuns(journal);
        for (const status of ACTIVE) this.set({ status }, counts.get(status) ?? 0);
      });
    },
  });
  new Gauge({
    name: 'holdfast_outbox_oldest_age_seconds',
    help: 'Age of the oldest intent whose effect has not shown, 0 without one, the same in every process',
    labelNames: ['kind'],
    registers,
    collect() {
      return fromJournal(this, async () => {
        const oldest = await oldestIntents(journal);
        for (const kind of KINDS) this.set({ kind }, ageOf(oldest.get(kind)));
      });
    },
  });
  new Gauge({
    name: 'holdfast_event_readers',
    help: 'Event streams that are open in this process',
    registers,
    collect() {
      this.set(sources.readers());
    },
  });
  new Gauge({
    name: 'holdfast_temporal_reachable',
    help: '1 while this process has a connection to Temporal on which nothing has failed',
    registers,
    collect() {
      this.set(sources.temporalReachable() ? 1 : 0);
    },
  });
}

/** By the index of runs that have not ended, however many have. The operator's figure: it counts every organisation's. */
export async function activeRuns({ db }: Pick<Journal, 'db'>): Promise<Map<RunStatus, number>> {
  const rows = await db
    .selectFrom('runs')
    .select(['status', (eb) => eb.fn.countAll<number>().as('runs')])
    .where(notEnded)
    .groupBy('status')
    .execute();
  return new Map(rows.map(({ status, runs }) => [status, Number(runs)]));
}

async function oldestIntents({ db }: Journal): Promise<Map<OutboxKind, number>> {
  const rows = await db
    .selectFrom((eb) => eb.selectFrom('outbox').select(['kind', 'created_at']).orderBy('id').limit(OUTBOX_LOOK).as('o'))
    .select(['kind', (eb) => eb.fn.min('created_at').as('created_at')])
    .groupBy('kind')
    .execute();
  return new Map(rows.map(({ kind, created_at }) => [kind, Number(created_at)]));
}

const ageOf = (since: number | undefined): number =>
  since === undefined ? 0 : Math.max(0, Date.now() - since) / MS_PER_SECOND;
