/** Two processes at one name: an idempotency key, a persona's version, an organisation's limit and first key, a namespace. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createArgs } from '../../../test/support/clocked-journal.ts';
import { openRaces, outcomeOf, type Races } from '../../../test/support/race.ts';
import { IDEMPOTENCY_KEPT_MS } from '../transactions/idempotency.ts';

let races: Races;
beforeAll(async () => {
  races = await openRaces();
});
afterAll(() => races.close());

const runsOf = async (org: string) =>
  (await races.db.selectFrom('runs').select('id').where('org_id', '=', org).execute()).length;

describe('two requests with one idempotency key at the same time', () => {
  const once = (key: string, fingerprint = 'a') => ({ key, fingerprint });

  it('have one effect: the second waits and is told of the first', async () => {
    let first: unknown;
    const second = await races.meet(
      async (held) => {
        first = (await held('createRun', createArgs({ once: once('k1') }))).value;
      },
      () => races.write('createRun', createArgs({ once: once('k1') })),
    );
    expect(outcomeOf(second)).toEqual({ value: first, replayed: true });
  });

  it('that ask for different things: the second is refused', async () => {
    const before = await runsOf('org_a');
    const second = await races.meet(
      (held) => held('createRun', createArgs({ once: once('k2') })),
      () => races.write('createRun', createArgs({ once: once('k2', 'b') })),
    );
    expect(outcomeOf(second)).toBe('idempotency.mismatch');
    expect(await runsOf('org_a')).toBe(before + 1);
  });

  it('have the effect of the second when the first came to nothing', async () => {
    const held = await races.hold();
    await held.run('createRun', createArgs({ once: once('k3') }));
    const second = races.write('createRun', createArgs({ once: once('k3') }));
    await races.untilWaiting();
    await held.rollBack();
    expect((await second).replayed).toBe(false);
  });

  it('keep a key that is taken anew while it is purged as too old', async () => {
    await races.write('createRun', createArgs({ once: once('k4') }));
    const aged = await races.hold();
    await aged.query(
      `update idempotency set created_at = created_at - ${IDEMPOTENCY_KEPT_MS + 1_000} where key = 'k4'`,
    );
    await aged.commit();
    await races.meet(
      (held) => held('createRun', createArgs({ once: once('k4') })),
      () => races.write('purgeIdempotency', { limit: 100 }),
    );
    expect((await races.write('createRun', createArgs({ once: once('k4') }))).replayed).toBe(true);
  });
});

describe('personas', () => {
  const versions = async (key: string) =>
    (await races.db.selectFrom('personas').select('version').where('key', '=', key).orderBy('version').execute()).map(
      (row) => row.version,
    );

  it('of one key, made twice at the same time, are two versions', async () => {
    const make = (definition: string) => ({ org_id: 'org_a', key: 'made', definition });
    const second = await races.meet(
      (held) => held('createPersona', make('{"a":1}')),
      () => races.write('createPersona', make('{"a":2}')),
    );
    expect(outcomeOf(second)).toMatchObject({ value: { version: 2 } });
  });

  it('that are changed twice at the same time keep both changes', async () => {
    await races.write('createPersona', { org_id: 'org_a', key: 'patched', definition: '{}' });
    const patch = (fields: Record<string, unknown>) => ({ org_id: 'org_a', key: 'patched', patch: fields });
    const second = await races.meet(
      (held) => held('updatePersona', patch({ one: 1 })),
      () => races.write('updatePersona', patch({ two: 2 })),
    );
    const { value } = outcomeOf(second) as { value: { version: number; definition: string } };
    expect([value.version, JSON.parse(value.definition)]).toEqual([3, { one: 1, two: 2, settings: {} }]);
  });

  it('of the configuration are one version, though two processes start with it', async () => {
    const sync = { org_id: 'org_a', personas: [{ key: 'configured', definition: '{"a":1}' }] };
    const second = await races.meet(
      (held) => held('syncPersonas', sync),
      () => races.write('syncPersonas', sync),
    );
    expect(second.status).toBe('fulfilled');
    expect(await versions('configured')).toEqual([1]);
  });
});

describe('a run that its caller names', () => {
  const named = (fingerprint: string) => createArgs({ alias: { alias: `mine-${fingerprint[0]}`, fingerprint } });

  it('is one, though two create it at the same time', async () => {
    let first: unknown;
    const second = await races.meet(
      async (held) => {
        first = (await held('createRun', named('a'))).value;
      },
      () => races.write('createRun', named('a')),
    );
    expect(outcomeOf(second)).toEqual({ value: first, replayed: true });
  });

  it('is refused to another that asks for something else under its name', async () => {
    const second = await races.meet(
      (held) => held('createRun', named('b1')),
      () => races.write('createRun', named('b2')),
    );
    expect(outcomeOf(second)).toBe('runs.name_taken');
  });
});

describe('an alias', () => {
  it('that two processes give to one thing is what the first of them gave', async () => {
    const { run_id } = await races.create();
    const give = (alias: string) => ({ org_id: 'org_a', kind: 'run' as const, things: [{ id: run_id, alias }] });
    const second = await races.meet(
      (held) => held('giveAliases', give('one')),
      () => races.write('giveAliases', give('two')),
    );
    expect(outcomeOf(second)).toEqual([{ id: run_id, alias: 'one' }]);
  });
});

describe("an organisation's limit of active runs", () => {
  it('is not passed by two creates at the same time', async () => {
    const caller = { ...createArgs().caller, org_id: 'org_limited' };
    const args = createArgs({ caller, active_limit: 1 });
    const second = await races.meet(
      (held) => held('createRun', args),
      () => races.write('createRun', args),
    );
    expect(outcomeOf(second)).toBe('limits.active_runs');
    expect(await runsOf('org_limited')).toBe(1);
  });
});

describe('the first key of an organisation', () => {
  it('is one, though two processes start on an empty database', async () => {
    const key = (prefix: string) => ({
      ...{ org_id: 'org_new', prefix, hash: 'h', user_id: null, user_name: null, user_email: null },
      ...{ scopes: ['admin' as const], expires_at: null },
    });
    const second = await races.meet(
      (held) => held('createFirstKey', key('p1')),
      () => races.write('createFirstKey', key('p2')),
    );
    expect(outcomeOf(second)).toBe(false);
    const keys = await races.db.selectFrom('api_keys').select('prefix').where('org_id', '=', 'org_new').execute();
    expect(keys).toEqual([{ prefix: 'p1' }]);
  });
});

describe('a fact of the installation', () => {
  it('that two processes see for the first time is what the first of them says', async () => {
    const says = (value: string) => ({ key: 'temporal.namespace_id', value, from: null });
    const second = await races.meet(
      (held) => held('setMeta', says('one')),
      () => races.write('setMeta', says('other')),
    );
    expect(outcomeOf(second)).toBe(false);
    expect(await races.write('setMeta', says('one'))).toBe(true);
    expect(await races.write('setMeta', { key: 'temporal.namespace_id', value: 'other', from: 'one' })).toBe(true);
  });
});
