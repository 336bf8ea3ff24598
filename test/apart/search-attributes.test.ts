/** A namespace that has never seen Holdfast: its search attributes are added, and no run waits until every service knows them. */
import { Connection } from '@temporalio/client';
import { expect, inject, it } from 'vitest';
import { randomText } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { Engine } from '../../src/temporal/engine.ts';
import { openLink, type TemporalLink } from '../../src/temporal/link.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { ownEnv, runHoldfast } from '../support/run-holdfast.ts';
import { registerNamespace } from '../support/temporal-cluster-ready.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const address = inject('temporalAddress');

async function freshNamespace(): Promise<string> {
  const namespace = `fresh-${randomText(8)}`;
  const connection = await Connection.connect({ address });
  await registerNamespace(connection, namespace);
  await connection.close();
  return namespace;
}

it('the first processes start runs at once, and soon with what they are found by', async () => {
  const namespace = await freshNamespace();
  const open = () => openLink({ namespace, address: Promise.resolve(address), log: createLog('silent') });
  const links: [TemporalLink, ...TemporalLink[]] = [open(), open(), open()];
  const run = (run_id: string) => ({
    ...{ org_id: 'org_a', run_id, thread_id: 'thread', epoch: 0, persona: 'assistant', model: 'demo' },
  });
  const startTwo = async (link: TemporalLink, i: number) => {
    const connected = await link.connected();
    const engine = new Engine(link, 'nobody');
    expect(await engine.start(run(`first-${i}`))).toBe(true);
    await link.searchable();
    expect(connected.searchable).toBe(true);
    expect(await engine.start(run(`later-${i}`))).toBe(true);
  };
  await Promise.all(links.map(startTwo));
  const { client, connection } = await links[0].connected();
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  expect(Object.keys(customAttributes ?? {}).sort()).toEqual([...SEARCH_ATTRIBUTES].sort());
  const found = async () => (await client.workflow.count("HoldfastOrg = 'org_a'")).count >= links.length;
  await until(found, 'the later runs are found by their organisation');
  await Promise.all(links.map((link) => link.close()));
});

it('doctor, the first to look, finds them there', async () => {
  const directory = temporaryDirectory();
  const temporal = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: await freshNamespace() };
  const env = { ...ownEnv(directory.path), ...temporal, DATABASE_URL: await createDatabase() };
  const { stdout } = await runHoldfast(['doctor'], { cwd: directory.path, env });
  expect(stdout).toContain('{"check":"search","ok":true');
  directory.remove();
});
