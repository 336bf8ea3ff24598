/** A directory of its own for each test, with a holdfast.yaml on demand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { type Config, loadConfig } from '../config.ts';
import { HoldfastError } from '../errors.ts';

/** Call once in a test file; `cwd` is valid inside tests. */
export function testDirectory() {
  const directory = {
    cwd: '',
    load(yaml: string, env: NodeJS.ProcessEnv = {}): Config {
      writeFileSync(join(directory.cwd, 'holdfast.yaml'), yaml);
      return loadConfig(env, directory.cwd);
    },
  };
  beforeEach(() => {
    directory.cwd = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
  });
  afterEach(() => rmSync(directory.cwd, { recursive: true }));
  return directory;
}

/** The message of the `config.invalid` that `act` throws. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    expect((error as HoldfastError).code).toBe('config.invalid');
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}
