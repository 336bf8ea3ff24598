/** The workflow code as the worker runs it. Temporal's SDK bundles it, which takes a second or two of work; it is kept for later starts. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleWorkflowCode, type WorkflowBundle } from '@temporalio/worker';
import type { Logger } from 'pino';
import { cacheDirectory, inUnfinishedDirectory } from '../src/cache-directory.ts';
import { isCode } from '../src/temporal/local-server/process-identity.ts';
import { digestOfWorkflows } from './build.ts';

const require = createRequire(import.meta.url);
const WORKFLOWS_PATH = require.resolve('../workflows/agent-run.ts');
const { version: SDK_VERSION } = require('@temporalio/worker/package.json') as { version: string };

/** Bundles of other versions and of earlier edits that are kept beside the newest. */
export const KEPT_BUNDLES = 8;
const KEPT = /^[0-9a-f]{64}-[^/]+\.js$/;

/**
 * The bundle of this version's workflow code: the kept one, where code and SDK are the same and the file is whole, or a new one. A
 * directory that cannot be read or written costs the time of a bundle and a line in the log, no more. Errors: the bundler's.
 */
export async function bundleWorkflows(
  log: Logger,
  directory = join(cacheDirectory(process.env), 'workflows'),
): Promise<WorkflowBundle> {
  const name = `${digestOfWorkflows()}-${SDK_VERSION}.js`;
  const kept = await readKept(join(directory, name), log);
  if (kept !== undefined) return { code: kept };
  const { code } = await bundle(log);
  try {
    await keep(directory, name, code);
  } catch (error) {
    log.info({ error: (error as Error).message, directory }, 'the bundled workflow code is not kept');
  }
  return { code };
}

function bundle(log: Logger): Promise<WorkflowBundle> {
  const debug = (message: string) => log.debug(message.trim());
  return bundleWorkflowCode({
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

async function keep(directory: string, name: string, code: string): Promise<void> {
  await inUnfinishedDirectory(directory, async (own) => {
    const whole = join(own, name);
    await writeFile(whole, withDigest(code));
    await rename(whole, join(directory, name));
  });
  const writtenAt = async (file: string) => ({ file, at: (await stat(file)).mtimeMs });
  const names = (await readdir(directory)).filter((it) => KEPT.test(it) && it !== name);
  const others = await Promise.all(names.map((it) => writtenAt(join(directory, it))));
  const oldest = others.toSorted((a, b) => b.at - a.at).slice(KEPT_BUNDLES);
  await Promise.all(oldest.map(({ file }) => rm(file, { force: true })));
}

const withDigest = (code: string) => `// ${createHash('sha256').update(code).digest('hex')}\n${code}`;
