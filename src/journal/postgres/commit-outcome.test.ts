/** A connection that is lost during the commit: what became of the transaction is asked for, and told as it is. */
import { afterEach, describe, expect, it } from 'vitest';
import { createArgs, delta, ROUTE, turnOf } from '../../../test/support/clocked-journal.ts';
import { createDatabase, throughProxy } from '../../../test/support/postgres-database.ts';
import { type ProxiedConnection, startProxy, type Tap } from '../../../test/support/proxy.ts';
import type { Appended, Journal } from '../journal.ts';
import type { Lease } from '../transactions/begin-turn.ts';
import { openPostgresJournal } from './postgres-journal.ts';
import { OUTCOME_WITHIN_MS } from './transact.ts';

const COMMIT = Buffer.from('commit\0');
/** What the database says when it has. */
const COMMITTED = Buffer.from('COMMIT\0');
const ANYTHING = Buffer.alloc(0);
/** The statement that appends for a batch, by its name. */
const APPEND = Buffer.from('append-held\0');

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

/** A journal whose next commit goes through `cutCommit`, and the same database as others see it. */
async function openCut(
  cutCommit: (onCommit: { chunk: Buffer; connection: ProxiedConnection }) => boolean,
  statement = COMMIT,
) {
  const url = await createDatabase();
  let armed = false;
  const tap: Tap = (chunk, from, connection) => {
    if (!armed || from === 'server' || !chunk.includes(statement)) return onAnswer(chunk, from, connection);
    armed = false;
    return cutCommit({ chunk, connection });
  };
  /** Set by `loseAnswerOf`: on this connection the database's next answer that has this in it is heard by nobody. */
  let unanswered: { connection: ProxiedConnection; answer: Buffer } | undefined;
  const onAnswer: Tap = (chunk, from, connection) => {
    if (from !== 'server' || connection !== unanswered?.connection || !chunk.includes(unanswered.answer)) return true;
    unanswered = undefined;
    connection.cut();
    return false;
  };
  const proxy = await startProxy(new URL(url).host, { tap });
  const journal = await openPostgresJournal({ url: throughProxy(url, proxy) });
  const others = await openPostgresJournal({ url });
  const told: Appended[] = [];
  journal.onAppended((appended) => told.push(appended));
  close = async () => {
    await journal.close();
    await others.close();
    await proxy.close();
  };
  return {
    ...{ journal, proxy, told },
    arm: () => {
      armed = true;
    },
    loseAnswerOf: (connection: ProxiedConnection, answer = COMMITTED) => {
      unanswered = { connection, answer };
    },
    saidIn: async ({ run_id }: Lease) => {
      const rows = others.db.selectFrom('events').select(['seq', 'type']).where('run_id', '=', run_id).orderBy('seq');
      return (await rows.execute()).filter(({ type }) => type === 'message.delta').map(({ seq }) => seq);
    },
    runs: async () => (await others.db.selectFrom('runs').select('id').execute()).map((row) => row.id),
  };
}

const create = (journal: Journal, key?: string) =>
  journal.write('createRun', createArgs(key === undefined ? {} : { once: { key, fingerprint: 'a' } }));

async function leaseOf({ journal }: { journal: Journal }): Promise<Lease> {
  const { run_id } = (await create(journal)).value;
  const begun = await journal.write('beginTurn', { org_id: 'org_a', run_id, epoch: 0, turn: 1, route: ROUTE });
  if (!begun.begun) throw new Error('the turn did not begin');
  return begun.lease;
}

const BEGIN = 'begin isolation level read committed;';

/** What came to the database to begin a transaction is an error instead, in as many bytes. */
function spoilBegin({ chunk }: { chunk: Buffer }): boolean {
  chunk.write('select 1 / 0 ;'.padEnd(BEGIN.length), chunk.indexOf(BEGIN));
  return true;
}

describe('a connection that is lost', () => {
  it('after the database has committed: the caller is told of the effect', async () => {
    const cut = await openCut(({ connection }) => {
      cut.loseAnswerOf(connection);
      return true;
    });
    cut.arm();
    const { value } = await create(cut.journal);
    expect(await cut.runs()).toEqual([value.run_id]);
  });

  it('after it has committed events: their readers are told, once', async () => {
    const cut = await openCut(({ connection }) => {
      cut.loseAnswerOf(connection);
      return true;
    });
    const { run_id } = (await create(cut.journal)).value;
    cut.arm();
    await cut.journal.write('requestCancel', { caller: createArgs().caller, run_id });
    expect(cut.told.map(({ last_seq, events }) => [last_seq, events?.length])).toEqual([[2, 2]]);
  });

  it('before the commit arrives: the journal is unavailable, and nothing was written', async () => {
    const cut = await openCut(({ connection }) => {
      connection.cut();
      return false;
    });
    cut.arm();
    await expect(create(cut.journal)).rejects.toMatchObject({
      ...{ code: 'journal.unavailable', retryAfterS: expect.any(Number) },
    });
    expect(await cut.runs()).toEqual([]);
    expect(cut.told).toEqual([]);
    await create(cut.journal);
  });

  it('while the database still waits for the commit: its word is waited for', async () => {
    const cut = await openCut(({ connection }) => {
      connection.cutClient();
      return false;
    });
    cut.arm();
    await expect(create(cut.journal)).rejects.toMatchObject({ code: 'journal.unavailable' });
    expect(await cut.runs()).toEqual([]);
  });

  it('together with the database: nobody says that nothing was written, and a repeat with the key has one effect', async () => {
    const cut = await openCut(({ connection }) => {
      cut.loseAnswerOf(connection);
      cut.proxy.refuse();
      return true;
    });
    cut.arm();
    const began = Date.now();
    await expect(create(cut.journal, 'k')).rejects.toMatchObject({
      ...{ code: 'journal.outcome_unknown', retryAfterS: expect.any(Number) },
    });
    expect(Date.now() - began).toBeLessThan(OUTCOME_WITHIN_MS + 10_000);
    cut.proxy.restore();
    const { value, replayed } = await create(cut.journal, 'k');
    expect(replayed).toBe(true);
    expect(await cut.runs()).toEqual([value.run_id]);
  });
});

describe('a step whose transaction does not begin', () => {
  it('writes nothing outside of one', async () => {
    const cut = await openCut(spoilBegin, Buffer.from(BEGIN));
    const lease = await leaseOf(cut);
    const turn = turnOf(lease, { events: [delta('Hello')] });
    cut.arm();
    await expect(cut.journal.write('completeTurn', turn)).rejects.toMatchObject({ code: '22012' });
    expect(await cut.saidIn(lease)).toEqual([]);
    expect(await cut.journal.write('completeTurn', turn)).toEqual({ outcome: 'ended', status: 'completed' });
    expect(await cut.saidIn(lease)).toEqual([3]);
  });
});

describe('a connection that is lost with the appends of many runs,', () => {
  type Cut = Awaited<ReturnType<typeof openCut>>;

  /** Two runs append as the connection breaks: what became of each, what was told, what is there. */
  async function appendThrough(cut: Cut) {
    const leases = [await leaseOf(cut), await leaseOf(cut)];
    // The connection of appends is there.
    await cut.journal.write('appendDeltas', { lease: leases[0] as Lease, events: [delta('before')] });
    cut.told.length = 0;
    cut.arm();
    const settled = await Promise.allSettled(
      leases.map((lease) => cut.journal.write('appendDeltas', { lease, events: [delta('a'), delta('b')] })),
    );
    return {
      outcomes: settled.map((it) => (it.status === 'fulfilled' ? 'appended' : (it.reason as { code?: string }).code)),
      told: cut.told.map(({ last_seq, events }) => [last_seq, events?.length]),
      said: await Promise.all(leases.map((lease) => cut.saidIn(lease))),
      again: () =>
        Promise.all(
          leases.map((lease) => cut.journal.write('appendDeltas', { lease, events: [delta('a'), delta('b')] })),
        ),
      saidAfter: () => Promise.all(leases.map((lease) => cut.saidIn(lease))),
    };
  }
  const APPENDED = [
    [3, 4, 5],
    [3, 4],
  ];

  it('after the database has committed: each is told of its effect, and its readers once', async () => {
    const cut = await openCut(({ connection }) => {
      cut.loseAnswerOf(connection);
      return true;
    });
    const { outcomes, told, said } = await appendThrough(cut);
    expect(outcomes).toEqual(['appended', 'appended']);
    expect(told).toEqual([
      [5, 2],
      [4, 2],
    ]);
    expect(said).toEqual(APPENDED);
  });

  it.each([
    { when: 'before the commit arrives', statement: COMMIT },
    { when: 'before the appends arrive', statement: APPEND },
  ])('$when: each is told that nothing was written, and appends once when it tries again', async ({ statement }) => {
    const cut = await openCut(({ connection }) => {
      connection.cut();
      return false;
    }, statement);
    const { outcomes, told, said, again, saidAfter } = await appendThrough(cut);
    expect(outcomes).toEqual(['journal.unavailable', 'journal.unavailable']);
    expect([told, said]).toEqual([[], [[3], []]]);
    await again();
    expect(await saidAfter()).toEqual(APPENDED);
  });

  it('after the appends, whose answers are lost: nothing was committed', async () => {
    const cut = await openCut(({ connection }) => {
      cut.loseAnswerOf(connection, ANYTHING);
      return true;
    }, APPEND);
    const { outcomes, told, again, saidAfter } = await appendThrough(cut);
    expect(outcomes).toEqual(['journal.unavailable', 'journal.unavailable']);
    expect(told).toEqual([]);
    await again();
    expect(await saidAfter()).toEqual(APPENDED);
  });

  it('and a transaction that does not begin: nothing is appended outside of one', async () => {
    const cut = await openCut(spoilBegin, Buffer.from(BEGIN));
    const { outcomes, said } = await appendThrough(cut);
    expect(outcomes).toEqual(['appended', 'appended']);
    expect(said).toEqual(APPENDED);
  });

  it('together with the database, after the commit: nobody says that nothing was written', async () => {
    const cut = await openCut(({ connection }) => {
      cut.loseAnswerOf(connection);
      cut.proxy.refuse();
      return true;
    });
    const { outcomes, told, said } = await appendThrough(cut);
    expect(outcomes).toEqual(['journal.outcome_unknown', 'journal.outcome_unknown']);
    expect([told, said]).toEqual([[], APPENDED]);
  });
});
