/** How a client command finds its server and its key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { HoldfastClient } from '../client/holdfast-client.ts';
import { readEnvironment } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import type { Terminal } from './terminal.ts';

export type ServerOptions = { url?: string };

/** Adds `--url` and the words on address and key that all client commands share. */
export function addServerOptions(command: Command): Command {
  return command
    .option('--url <address>', 'address of the server (default: from HOLDFAST_HOST and HOLDFAST_PORT)', parseUrl)
    .addHelpText(
      'after',
      '\nThe key is HOLDFAST_API_KEY, else what the server wrote to <HOLDFAST_DATA_DIR or .holdfast>/api-key.',
    );
}

/** A client of the server that options and environment name. Errors: `cli.no_api_key`, `cli.no_address`, `config.invalid`. */
export function findServer(terminal: Terminal, { url }: ServerOptions): HoldfastClient {
  const { host, port, dataDir, apiKey } = readEnvironment(terminal.env, terminal.cwd);
  if (url === undefined && port === 0) {
    throw new HoldfastError('cli.no_address', 'HOLDFAST_PORT=0 says no port: name the server with --url');
  }
  return new HoldfastClient({
    baseUrl: url ?? `http://${reachableHost(host)}:${port}`,
    apiKey: apiKey ?? readKeyFile(join(dataDir, 'api-key')),
  });
}

function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('expected an http or https address.');
  }
  return text;
}

/** A server that listens on every interface is reached on this machine; an IPv6 address stands in brackets. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** Reads the key that a server keeps in its data directory. Errors: `cli.no_api_key`. */
export function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new HoldfastError(
      'cli.no_api_key',
      `no API key: set HOLDFAST_API_KEY, or let this user read ${path} (HOLDFAST_DATA_DIR)`,
      { cause },
    );
  }
}
