/** A virtual environment with the pinned OpenAI package for Python, made once per machine and pin. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../../src/cache-directory.ts';

const REQUIREMENTS = fileURLToPath(new URL('../python/requirements.txt', import.meta.url));
const INSTALLED_WITHIN_MS = 180_000;

/**
 * The Python of an environment that has what `python/requirements.txt` names. The first call on a machine installs from PyPI
 * (10 to 60 s) into the cache directory; later ones find it there. Rejects saying what to install when Python 3, its venv
 * module or PyPI is missing.
 */
export async function pythonWithOpenai(): Promise<string> {
  const cache = cacheDirectory(process.env);
  const pin = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const directory = join(cache, `python-openai-${pin}`);
  const python = join('bin', 'python');
  if (existsSync(join(directory, python))) return join(directory, python);

  // Made aside and renamed when whole: a kill in the middle, or two runs at once, leave an environment that works.
  const unfinished = join(cache, `.unfinished-${process.pid}-python`);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  try {
    await run(
      'python3',
      ['-m', 'venv', unfinished],
      'Python 3.10 or newer with its venv module (Debian: python3-venv)',
    );
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS];
    await run(join(unfinished, python), pip, 'pip, and PyPI within reach');
    place(unfinished, directory, () => existsSync(join(directory, python)));
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return join(directory, python);
}

/** Renames, where `isWhole` says that nothing usable is there: an environment whose own Python is gone is replaced. */
function place(made: string, directory: string, isWhole: () => boolean): void {
  if (isWhole()) return;
  rmSync(directory, { recursive: true, force: true });
  try {
    renameSync(made, directory);
  } catch (error) {
    // Another run was faster.
    if (!isWhole()) throw error;
  }
}

async function run(command: string, args: string[], needed: string): Promise<void> {
  try {
    await promisify(execFile)(command, args, { timeout: INSTALLED_WITHIN_MS });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr || String(error);
    throw new Error(
      `The suite of the OpenAI package for Python needs ${needed}: ${command} ${args.join(' ')}\n${said}`,
    );
  }
}
