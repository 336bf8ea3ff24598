/** What `holdfast doctor` looks at. Each finding says what was seen and, where something is wrong, what to do. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';
import type { Config } from '../config.ts';
import type { Journal, ReadDb } from '../journal/journal.ts';
import { placeOf } from '../journal/postgres/migrate-postgres.ts';
import { createLog } from '../log.ts';
import { openModels } from '../models/open-models.ts';
import { Engine } from '../temporal/engine.ts';
import { type Connected, openLink, type TemporalLink } from '../temporal/link.ts';
import { readState } from '../temporal/local-server/state-file.ts';
import { NAMESPACE_META, namespaceIsKnown } from '../temporal/namespace-identity.ts';
import { deploymentOf, type TaskQueue } from '../temporal/task-queue.ts';
import { agreementFindings } from './agreement-findings.ts';
import { journalPath } from './data-dir.ts';
import { openJournal } from './open-journal.ts';

export type Finding = { check: string; ok: boolean; says: string; todo?: string };

const CONNECT_TIMEOUT_MS = 3_000;
/** A cluster takes search attributes 2 s after they were added, which connecting does. */
const SEARCHABLE_TIMEOUT_MS = 5_000;

/** Looks at each part in turn; a part that is broken does not hide the next. */
export async function examine(
  config: Config,
  options: { adoptNamespace: boolean; repair: boolean },
): Promise<Finding[]> {
  const findings: Finding[] = [
    { check: 'node', ok: true, says: `Node ${process.versions.node}` },
    { check: 'configuration', ok: true, says: config.file.path ?? 'no holdfast.yaml: the defaults' },
    await examineRoutes(config),
  ];
  const journal = await examineJournal(config, findings);
  if (journal && options.adoptNamespace) await journal.write('setMeta', { key: NAMESPACE_META, value: '' });
  await examineTemporal(config, journal, findings, options.repair);
  await journal?.close();
  return findings;
}

async function examineRoutes(config: Config): Promise<Finding> {
  try {
    const models = await openModels(config.file.routes);
    const ids = models.routes().map((route) => `${route.id} (${route.provider})`);
    return { check: 'routes', ok: true, says: ids.join(', ') };
  } catch (error) {
    return { check: 'routes', ok: false, says: (error as Error).message, todo: 'Correct the routes in holdfast.yaml.' };
  }
}

async function examineJournal(config: Config, findings: Finding[]): Promise<Journal | undefined> {
  if (config.databaseUrl !== undefined) return await examinePostgres(config, config.databaseUrl, findings);
  const path = journalPath(config.dataDir);
  const fresh = !existsSync(path);
  try {
    const journal = await openJournal(config);
    const ran = journal.migrated.length > 0 && !fresh ? `, migrated: ${journal.migrated.join(', ')}` : '';
    findings.push({ check: 'database', ok: true, says: `${path}${fresh ? ' (made just now)' : ran}` });
    return journal;
  } catch (error) {
    findings.push({
      check: 'database',
      ok: false,
      says: (error as Error).message,
      todo: `See that ${config.dataDir} can be written and has room.`,
    });
    return undefined;
  }
}

async function examinePostgres(config: Config, url: string, findings: Finding[]): Promise<Journal | undefined> {
  try {
    const journal = await openJournal(config);
    const ran = journal.migrated.length > 0 ? `, migrated: ${journal.migrated.join(', ')}` : '';
    const lossy = await lossySettings(journal.db);
    const says = `${placeOf(url)}${ran}`;
    if (lossy.length === 0) findings.push({ check: 'database', ok: true, says });
    else {
      findings.push({
        check: 'database',
        ok: false,
        says: `${says}: with ${lossy.join(' and ')} off a crash loses what clients have seen.`,
        todo: `Switch ${lossy.join(' and ')} on.`,
      });
    }
    return journal;
  } catch (error) {
    findings.push({
      check: 'database',
      ok: false,
      says: (error as Error).message,
      todo: 'Start PostgreSQL, or correct DATABASE_URL.',
    });
    return undefined;
  }
}

/** Settings of the server under which a commit may be lost. */
async function lossySettings(db: ReadDb): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from pg_settings where name in ('fsync', 'synchronous_commit') and setting = 'off' order by name`.execute(
    db,
  );
  return rows.map((row) => row.name);
}

async function examineTemporal(
  config: Config,
  journal: Journal | undefined,
  findings: Finding[],
  repair: boolean,
): Promise<void> {
  const address = config.temporal.address ?? (await localAddress(config.dataDir));
  if (address === undefined) {
    findings.push({
      check: 'temporal',
      ok: false,
      says: 'No TEMPORAL_ADDRESS, and no local server runs on the data directory.',
      todo: 'Run `holdfast start`, which brings its own.',
    });
    return;
  }
  const link = openLink({ ...config.temporal, address: Promise.resolve(address), log: createLog('silent') });
  const within = (ms: number) => new Promise<undefined>((resolve) => setTimeout(resolve, ms, undefined).unref());
  const connected = await Promise.race([link.connected(), within(CONNECT_TIMEOUT_MS)]);
  if (connected) {
    await Promise.race([link.searchable(), within(SEARCHABLE_TIMEOUT_MS)]);
    await examineConnected(config, journal, link, connected, findings, repair);
  } else {
    findings.push({
      check: 'temporal',
      ok: false,
      says: `${address}: ${link.lastError() ?? 'no answer'}`,
      todo: 'Start the cluster, or correct TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY or TEMPORAL_TLS_*.',
    });
  }
  await link.close();
}

async function localAddress(dataDir: string): Promise<string | undefined> {
  const state = await readState(join(dataDir, 'temporal.json'));
  return state ? `127.0.0.1:${state.port}` : undefined;
}

async function examineConnected(
  config: Config,
  journal: Journal | undefined,
  link: TemporalLink,
  connected: Connected,
  findings: Finding[],
  repair: boolean,
): Promise<void> {
  const { namespace } = config.temporal;
  findings.push({ check: 'temporal', ok: true, says: `namespace ${namespace}, ${connected.namespaceId}` });
  const attributes = SEARCH_ATTRIBUTES.map((name) => `--name ${name} --type Keyword`).join(' ');
  findings.push({
    check: 'search',
    ok: connected.searchable,
    says: connected.searchable
      ? SEARCH_ATTRIBUTES.join(', ')
      : 'The cluster lacks our search attributes; runs start without them.',
    ...(connected.searchable
      ? {}
      : { todo: `temporal operator search-attribute create --namespace ${namespace} ${attributes}` }),
  });
  const engine = new Engine(link, config.taskQueue);
  if (journal) {
    const known = await namespaceIsKnown(journal, connected, config.temporal.address === undefined);
    findings.push({
      check: 'namespace',
      ok: known,
      says: known
        ? 'the one this journal knows'
        : 'Not the one whose runs this journal holds: nothing is rebuilt in it.',
      ...(known
        ? {}
        : { todo: 'Point TEMPORAL_ADDRESS back, or take it for its own: `holdfast doctor --adopt-namespace`.' }),
    });
    // In another namespace none of the runs is there, and nothing is to be done about each of them.
    if (known) findings.push(...(await agreementFindings({ journal, engine }, { repair })));
  }
  findings.push(workerFinding(config.taskQueue, await engine.queue()));
}

/** Workers that poll and are given nothing are the ones of another version: an upgrade or a way back that stands still. */
function workerFinding(taskQueue: string, { current, polling }: TaskQueue): Finding {
  const pollers = polling.filter((build) => build === current).length;
  const others = [...new Set(polling.filter((build) => build !== current).map(wordOf))];
  const rest = others.length === 0 ? '' : `; poll too, and are given nothing: ${others.join(', ')}`;
  const says = `${pollers} poll the task queue ${taskQueue}${current === null ? '' : `, of build ${current}`}${rest}`;
  if (pollers > 0) return { check: 'worker', ok: true, says };
  const command = `temporal worker deployment set-current-version --deployment-name ${deploymentOf(taskQueue)}`;
  const todo =
    others.length === 0
      ? 'Run `holdfast start` (or `holdfast worker`).'
      : `Run ${wordOf(current)}, or give the tasks to another: \`${command} --build-id …\` (or \`--unversioned\`).`;
  return { check: 'worker', ok: false, says, todo };
}

const wordOf = (build: string | null) => (build === null ? 'workers without a version' : `workers of build ${build}`);
