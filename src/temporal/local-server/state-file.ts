import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { isCode } from './process-identity.ts';

const serverState = z.object({
  pid: z.int().positive(),
  /** What process-identity.ts says of the process: proves that the pid was not given to another one. */
  processStart: z.string().min(1),
  port: z.int(),
  uiPort: z.int(),
  dbFile: z.string(),
  cli: z.string(),
  version: z.string(),
  startedAt: z.string(),
});

/** What the data directory remembers of the server that was started on it. */
export type ServerState = z.infer<typeof serverState>;

/** The state at `path`; undefined when there is none or it cannot be read as one, since then it proves nothing. */
export async function readState(path: string): Promise<ServerState | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return serverState.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Replaces the state whole: a kill leaves the earlier one or this one. */
export async function writeState(path: string, state: ServerState): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}

/** Removes the state if it still is of process `pid`: a server started meanwhile keeps its own. */
export async function removeState(path: string, pid: number): Promise<void> {
  if ((await readState(path))?.pid === pid) await rm(path, { force: true });
}
