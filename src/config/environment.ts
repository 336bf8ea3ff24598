/** The environment variables of Holdfast. An empty one counts as absent, as compose files and CI leave them. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { HoldfastError } from '../errors.ts';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** As Temporal's connections take it (`TLSConfigOption`): `true` is TLS with the system's certificates. */
export type TemporalTls =
  | boolean
  | {
      serverNameOverride?: string;
      serverRootCACertificate?: Uint8Array;
      clientCertPair?: { crt: Uint8Array; key: Uint8Array };
    };

export type TemporalConfig = {
  /** An existing cluster; absent: a local server is started. */
  address?: string;
  namespace: string;
  apiKey?: string;
  /** Absent: TLS exactly when there is an API key. */
  tls?: TemporalTls;
};

export type EnvironmentConfig = {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Where a worker without an API tells its metrics, 0: any free port; absent: nowhere. */
  metricsPort?: number;
  /** Absolute. */
  dataDir: string;
  databaseUrl?: string;
  temporal: TemporalConfig;
  /** Ports of the local Temporal server and its Web UI. */
  localPort: number;
  localUiPort: number;
  taskQueue: string;
  apiKey?: string;
  logLevel: LogLevel;
};

const MIN_API_KEY_CHARACTERS = 16;
const MAX_PORT = 65_535;

/** Reads the environment. Errors: `config.invalid`, naming the variable and never its value. */
export function readEnvironment(env: NodeJS.ProcessEnv, cwd: string): EnvironmentConfig {
  const address = read(env, 'TEMPORAL_ADDRESS');
  const temporalApiKey = read(env, 'TEMPORAL_API_KEY');
  const tls = readTls(env, cwd);
  const databaseUrl = readDatabaseUrl(env);
  const apiKey = readApiKey(env);
  const hasMetricsPort = read(env, 'HOLDFAST_METRICS_PORT') !== undefined;
  return {
    host: read(env, 'HOLDFAST_HOST') ?? '127.0.0.1',
    port: readPort(env, 'HOLDFAST_PORT', 7370),
    ...(hasMetricsPort && { metricsPort: readPort(env, 'HOLDFAST_METRICS_PORT', 0) }),
    dataDir: resolve(cwd, read(env, 'HOLDFAST_DATA_DIR') ?? '.holdfast'),
    ...(databaseUrl !== undefined && { databaseUrl }),
    temporal: {
      ...(address !== undefined && { address }),
      namespace: read(env, 'TEMPORAL_NAMESPACE') ?? 'default',
      ...(temporalApiKey !== undefined && { apiKey: temporalApiKey }),
      ...(tls !== undefined && { tls }),
    },
    localPort: readPort(env, 'HOLDFAST_TEMPORAL_PORT', 7233),
    localUiPort: readPort(env, 'HOLDFAST_TEMPORAL_UI_PORT', 8233),
    taskQueue: read(env, 'HOLDFAST_TASK_QUEUE') ?? 'holdfast',
    ...(apiKey !== undefined && { apiKey }),
    logLevel: readLogLevel(env),
  };
}

function read(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function refuse(name: string, expected: string, cause?: unknown): never {
  throw new HoldfastError('config.invalid', `${name}: expected ${expected}`, { cause });
}

function readPort(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = read(env, name);
  if (text === undefined) return fallback;
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= MAX_PORT)) refuse(name, `an integer from 0 to ${MAX_PORT}`);
  return port;
}

function readLogLevel(env: NodeJS.ProcessEnv): LogLevel {
  const text = read(env, 'HOLDFAST_LOG') ?? 'info';
  const level = LOG_LEVELS.find((known) => known === text);
  return level ?? refuse('HOLDFAST_LOG', `one of ${LOG_LEVELS.join(', ')}`);
}

function readApiKey(env: NodeJS.ProcessEnv): string | undefined {
  const key = read(env, 'HOLDFAST_API_KEY');
  if (key !== undefined && key.length < MIN_API_KEY_CHARACTERS) {
    refuse('HOLDFAST_API_KEY', `${MIN_API_KEY_CHARACTERS} characters or more`);
  }
  return key;
}

function readDatabaseUrl(env: NodeJS.ProcessEnv): string | undefined {
  const url = read(env, 'DATABASE_URL');
  if (url !== undefined && !(URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol))) {
    refuse('DATABASE_URL', 'a PostgreSQL address (postgres://user:password@host:port/database)');
  }
  return url;
}

/**
 * TLS towards Temporal, under the names of Temporal's own environment configuration
 * (docs.temporal.io/references/client-environment-configuration).
 */
function readTls(env: NodeJS.ProcessEnv, cwd: string): TemporalTls | undefined {
  const enabled = readBoolean(env, 'TEMPORAL_TLS');
  if (readBoolean(env, 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION')) {
    refuse('TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', 'false: this client always verifies the host');
  }
  const serverNameOverride = read(env, 'TEMPORAL_TLS_SERVER_NAME');
  const serverRootCACertificate = readPem(env, cwd, 'TEMPORAL_TLS_SERVER_CA_CERT');
  const crt = readPem(env, cwd, 'TEMPORAL_TLS_CLIENT_CERT');
  const key = readPem(env, cwd, 'TEMPORAL_TLS_CLIENT_KEY');
  if (crt && !key) refuse('TEMPORAL_TLS_CLIENT_KEY_PATH', 'the key of the client certificate');
  if (key && !crt) refuse('TEMPORAL_TLS_CLIENT_CERT_PATH', 'the certificate of the client key');
  if (enabled === false) return false;
  if (!serverNameOverride && !serverRootCACertificate && !crt) return enabled;
  return {
    ...(serverNameOverride && { serverNameOverride }),
    ...(serverRootCACertificate && { serverRootCACertificate }),
    ...(crt && key && { clientCertPair: { crt, key } }),
  };
}

function readBoolean(env: NodeJS.ProcessEnv, name: string): boolean | undefined {
  const text = read(env, name)?.toLowerCase();
  if (text === undefined) return undefined;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  return refuse(name, 'true or false');
}

/** A PEM from `<name>_DATA` or from the file that `<name>_PATH` names. */
function readPem(env: NodeJS.ProcessEnv, cwd: string, name: string): Uint8Array | undefined {
  const data = read(env, `${name}_DATA`);
  const path = read(env, `${name}_PATH`);
  if (data !== undefined && path !== undefined) refuse(`${name}_PATH`, `to be absent beside ${name}_DATA`);
  if (data !== undefined) return Buffer.from(data);
  if (path === undefined) return undefined;
  try {
    return readFileSync(resolve(cwd, path));
  } catch (error) {
    return refuse(`${name}_PATH`, 'a file that can be read', error);
  }
}
