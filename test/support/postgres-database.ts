/** Databases on the suites' PostgreSQL server, each of one test's own. */
import { Client } from 'pg';
import { inject } from 'vitest';
import { randomText } from '../../src/ids.ts';
import { connectionConfig } from '../../src/journal/postgres/connections.ts';

/** Runs statements on a connection of their own; gives the rows of the last. */
export async function onDatabase(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new Client(connectionConfig(url));
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** The address of a database through a proxy in front of its server. */
export function throughProxy(url: string, proxy: { address: string }): string {
  const there = new URL(url);
  there.host = proxy.address;
  return there.href;
}

/** Makes an empty database on the suites' server and gives its address. */
export function createDatabase(): Promise<string> {
  return createDatabaseOn(inject('postgresUrl'), inject('postgresPrefix'));
}

/** Makes an empty database whose name begins so, and gives its address. */
export async function createDatabaseOn(serverUrl: string, prefix: string): Promise<string> {
  const name = `${prefix}${randomText(8)}`;
  await onDatabase(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Ends a database, its connections included. */
export async function dropDatabase(url: string): Promise<void> {
  await onDatabase(inject('postgresUrl'), `drop database ${new URL(url).pathname.slice(1)} with (force)`);
}

/** Ends every database whose name begins so. */
export async function dropDatabases(url: string, prefix: string): Promise<void> {
  const rows = await onDatabase(url, `select datname from pg_database where starts_with(datname, '${prefix}')`);
  for (const { datname } of rows) await onDatabase(url, `drop database ${String(datname)} with (force)`);
}
