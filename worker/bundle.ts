/** The workflow code as the worker runs it. Temporal's SDK bundles it, which takes a second or two of work; it is kept for later starts. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkflowBundle } from '@temporalio/worker';
import type { Logger } from 'pino';
import { inUnfinishedDirectory } from '../src/cache-directory.ts';
import { HoldfastError } from '../src/errors.ts';
import { isCode } from '../src/temporal/local-server/process-identity.ts';
import { digestOfWorkflows } from './build.ts';

const require = createRequire(import.meta.url);
const WORKFLOWS_PATH = require.resolve('../workflows/agent-run.ts');
/** What npm has installed, the SDK and the compilers of a bundle among it. */
const INSTALLED = require.resolve('@temporalio/worker/package.json').replace(/@temporalio.*$/s, '.package-lock.json');
/** Beside what it is made of, so that it is gone when that is installed anew. */
const DIRECTORY = fileURLToPath(new URL('../node_modules/.cache/holdfast/workflows', import.meta.url));

/** Bundles of earlier edits that are kept beside the newest. */
export const KEPT_BUNDLES = 8;
const KEPT = /^[0-9a-f]{64}\.js$/;

/**
 * The bundle of this workflow code: the kept one, where nothing has changed that it is made of and the file is whole, or a new one. A
 * directory that cannot be read or written costs the time of a bundle and a line in the log, no more.
 * Errors: `workflows.unusable`, when it cannot be bundled.
 */
export async function bundleWorkflows(log: Logger, directory = DIRECTORY): Promise<WorkflowBundle> {
  const made = digestOfParts();
  const path = join(directory, `${made}.js`);
  const kept = await readKept(path, log);
  if (kept !== undefined) return { code: kept };
  const { code } = await bundle(log);
  // What was edited meanwhile is not filed under the name of what was there before.
  if (digestOfParts() === made) await keep(directory, path, code, log);
  return { code };
}

function digestOfParts(): string {
  const installed = statSync(INSTALLED, { throwIfNoEntry: false }) ? readFileSync(INSTALLED) : '';
  return createHash('sha256')
    .update(`${WORKFLOWS_PATH}\0${digestOfWorkflows()}\0`)
    .update(readFileSync(import.meta.filename))
    .update(readFileSync(require.resolve('@temporalio/worker/package.json')))
    .update(installed)
    .digest('hex');
}

async function bundle(log: Logger): Promise<WorkflowBundle> {
  const debug = (message: string) => log.debug(message.trim());
  try {
    return await bundleWorkflowCode({
      workflowsPath: WORKFLOWS_PATH,
      logger: {
        log: (_level, message) => debug(message),
        trace: debug,
        debug,
        info: debug,
        warn: (message) => log.warn(message.trim()),
        error: (message) => log.error(message.trim()),
      },
    });
  } catch (error) {
    const why = (error as Error).message.trim();
    throw new HoldfastError('workflows.unusable', `The workflow code cannot be bundled: ${why}`, { cause: error });
  }
}

/** A file is the digest of its code, and the code. */
async function readKept(path: string, log: Logger): Promise<string | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const code = text.slice(text.indexOf('\n') + 1);
    if (text === withDigest(code)) return code;
    log.warn({ path }, 'the kept workflow code is damaged: it is bundled again');
  } catch (error) {
    if (!isCode(error, 'ENOENT'))
      log.warn({ error: (error as Error).message }, 'the kept workflow code cannot be read');
  }
  return undefined;
}

async function keep(directory: string, path: string, code: string, log: Logger): Promise<void> {
  try {
    await inUnfinishedDirectory(directory, async (own) => {
      const whole = join(own, 'whole.js');
      await writeFile(whole, withDigest(code));
      await rename(whole, path);
    });
    await removeOldest(directory, path);
  } catch (error) {
    log.info({ error: (error as Error).message, directory }, 'the bundled workflow code is not kept');
  }
}

async function removeOldest(directory: string, path: string): Promise<void> {
  const files = (await readdir(directory)).filter((name) => KEPT.test(name)).map((name) => join(directory, name));
  // One that another process has just removed counts as the oldest.
  const writtenAt = (file: string) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const others = files.filter((it) => it !== path).map((file) => ({ file, at: writtenAt(file) }));
  const oldest = others.toSorted((a, b) => b.at - a.at).slice(KEPT_BUNDLES);
  await Promise.all(oldest.map(({ file }) => rm(file, { force: true })));
}

const withDigest = (code: string) => `// ${createHash('sha256').update(code).digest('hex')}\n${code}`;
