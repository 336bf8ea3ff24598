/** Configuration: environment and holdfast.yaml, parsed once at start; everything behind it trusts the types. */
import { type EnvironmentConfig, readEnvironment } from './config/environment.ts';
import { loadFile } from './config/file.ts';
import type { FileConfig } from './config/file-schema.ts';

export type { EnvironmentConfig, LogLevel, TemporalConfig, TemporalTls } from './config/environment.ts';
export type { BudgetConfig, FileConfig, McpServerConfig, PersonaConfig, ToolConfig } from './config/file-schema.ts';

/** All that Holdfast is told at its start. What comes from the environment is camelCase; `file` keeps the file's names. */
export type Config = EnvironmentConfig & { file: FileConfig };

/**
 * Reads the environment and the configuration file (`HOLDFAST_CONFIG`, else `holdfast.yaml` in `cwd`, else the route
 * `demo` with the persona `assistant`). Errors: `config.invalid`, its message one line that says what and where, without
 * any value from the environment or the file.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, cwd: string = process.cwd()): Config {
  return { ...readEnvironment(env, cwd), file: loadFile(env, cwd) };
}

/** The environment alone, for commands that only need to find a server: a broken holdfast.yaml does not stop them. */
export { readEnvironment };
