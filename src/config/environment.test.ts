import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../config.ts';
import { refusal, testDirectory } from './test-directory.ts';

const directory = testDirectory();

describe('the environment', () => {
  test('has the defaults of the contract', () => {
    const { file: _, ...environment } = loadConfig({}, directory.cwd);
    expect(environment).toEqual({
      host: '127.0.0.1',
      port: 7370,
      dataDir: join(directory.cwd, '.holdfast'),
      temporal: { namespace: 'default' },
      localPort: 7233,
      localUiPort: 8233,
      taskQueue: 'holdfast',
      logLevel: 'info',
    });
  });

  test('is read, an empty variable as an absent one', () => {
    writeFileSync(join(directory.cwd, 'ca.pem'), 'the ca');
    const config = loadConfig(
      {
        HOLDFAST_HOST: '0.0.0.0',
        HOLDFAST_PORT: '0',
        HOLDFAST_METRICS_PORT: '9464',
        HOLDFAST_DATA_DIR: '/data',
        HOLDFAST_API_KEY: '0123456789abcdef',
        HOLDFAST_LOG: '',
        DATABASE_URL: 'postgres://u:p@db/holdfast',
        TEMPORAL_ADDRESS: 'temporal:7233',
        TEMPORAL_NAMESPACE: 'agents',
        TEMPORAL_API_KEY: 'temporal-key',
        TEMPORAL_TLS_SERVER_CA_CERT_PATH: 'ca.pem',
        TEMPORAL_TLS_SERVER_NAME: 'temporal.internal',
        TEMPORAL_TLS_CLIENT_CERT_DATA: 'crt',
        TEMPORAL_TLS_CLIENT_KEY_DATA: 'key',
      },
      directory.cwd,
    );
    expect(config).toMatchObject({
      host: '0.0.0.0',
      port: 0,
      metricsPort: 9464,
      dataDir: '/data',
      apiKey: '0123456789abcdef',
      logLevel: 'info',
    });
    expect(config.databaseUrl).toBe('postgres://u:p@db/holdfast');
    expect(config.temporal).toEqual({
      address: 'temporal:7233',
      namespace: 'agents',
      apiKey: 'temporal-key',
      tls: {
        serverNameOverride: 'temporal.internal',
        serverRootCACertificate: Buffer.from('the ca'),
        clientCertPair: { crt: Buffer.from('crt'), key: Buffer.from('key') },
      },
    });
  });

  test('TEMPORAL_TLS switches TLS on and off', () => {
    expect(loadConfig({ TEMPORAL_TLS: 'true' }, directory.cwd).temporal.tls).toBe(true);
    expect(loadConfig({ TEMPORAL_TLS: 'false', TEMPORAL_TLS_SERVER_NAME: 'x' }, directory.cwd).temporal.tls).toBe(
      false,
    );
  });

  const levels = 'fatal, error, warn, info, debug, trace, silent';
  test.each([
    ['HOLDFAST_PORT', '65536', 'an integer from 0 to 65535'],
    ['HOLDFAST_PORT', '-1', 'an integer from 0 to 65535'],
    ['HOLDFAST_PORT', '7370.5', 'an integer from 0 to 65535'],
    ['HOLDFAST_PORT', 'http', 'an integer from 0 to 65535'],
    ['HOLDFAST_TEMPORAL_PORT', 'x', 'an integer from 0 to 65535'],
    ['HOLDFAST_API_KEY', 'fifteen-chars-x', '16 characters or more'],
    ['HOLDFAST_LOG', 'loud', `one of ${levels}`],
    ['DATABASE_URL', 'mysql://x', 'a PostgreSQL address (postgres://user:password@host:port/database)'],
    ['TEMPORAL_TLS', 'perhaps', 'true or false'],
    ['TEMPORAL_TLS_CLIENT_CERT_PATH', 'absent.pem', 'a file that can be read'],
    ['TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', 'true', 'false: this client always verifies the host'],
  ])('%s=%s is refused by its name', (name, value, expected) => {
    expect(refusal(() => loadConfig({ [name]: value }, directory.cwd))).toBe(`${name}: expected ${expected}`);
  });

  test('a client certificate without its key is refused', () => {
    expect(refusal(() => loadConfig({ TEMPORAL_TLS_CLIENT_CERT_DATA: 'crt' }, directory.cwd))).toBe(
      'TEMPORAL_TLS_CLIENT_KEY_PATH: expected the key of the client certificate',
    );
  });
});
