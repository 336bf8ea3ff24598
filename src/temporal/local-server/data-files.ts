import { existsSync } from 'node:fs';
import { mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isCode } from './process-identity.ts';

/** The local server's files in Holdfast's data directory, as absolute paths. */
export interface DataFiles {
  db: string;
  state: string;
  log: string;
  /** Exists from before the database is created until its first server was ready. */
  unfinished: string;
}

/** Creates the directory if need be. Real paths: the same directory gives the same names, however it was written. */
export async function dataFiles(dataDir: string): Promise<DataFiles> {
  await mkdir(resolve(dataDir), { recursive: true, mode: 0o700 });
  const directory = await realpath(resolve(dataDir));
  const db = join(directory, 'temporal.db');
  return {
    db,
    state: join(directory, 'temporal.json'),
    log: join(directory, 'temporal.log'),
    unfinished: `${db}.unfinished`,
  };
}

/**
 * The server creates its tables one by one, and never again when the file exists: killed in between, every later start
 * fails. So a database whose first server never became ready, and which therefore holds no run, is set aside.
 */
export async function prepareDatabase({ db, unfinished }: DataFiles): Promise<void> {
  if (existsSync(unfinished)) {
    for (const suffix of ['', '-wal', '-shm']) await moveIfThere(`${db}${suffix}`, `${db}.broken${suffix}`);
  }
  if (!existsSync(db)) await writeFile(unfinished, '', { mode: 0o600 });
}

/** To be called once a server on this database is ready. */
export async function databaseIsComplete({ unfinished }: DataFiles): Promise<void> {
  await rm(unfinished, { force: true });
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}
