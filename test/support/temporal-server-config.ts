/** The configuration of a Temporal cluster whose four services are one process on 127.0.0.1. */
import { fileURLToPath } from 'node:url';
import { nextFreePort } from '../../src/temporal/local-server/free-port.ts';

/** Each service calls the others on the first and finds them by the second. */
const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;
type Ports = Record<(typeof SERVICES)[number], { grpcPort: number; membershipPort: number }>;

/** As few as still make a difference: a workflow's shard is not its queue's, nor its neighbour's. */
const HISTORY_SHARDS = 4;
/** Each of the four services has pools of its own; a database for tests has 100 connections or more. */
const CONNECTIONS = { maxConns: 8, maxIdleConns: 8, maxConnLifetime: '1h' };
/** What docker-compose.yml gives its server. */
const DYNAMIC_CONFIG_FILE = fileURLToPath(new URL('../../deploy/temporal-dynamic.yaml', import.meta.url));

/** Below what systems give out by themselves, and where no other test looks for a port. */
const FIRST_PORT = 12_000;
const PORT_BLOCKS = 500;

/** Two free ports for each service. */
export async function choosePorts(): Promise<Ports> {
  const taken: number[] = [];
  const from = FIRST_PORT + 2 * SERVICES.length * Math.floor(Math.random() * PORT_BLOCKS);
  const next = async () => {
    const port = await nextFreePort(from, taken);
    taken.push(port);
    return port;
  };
  const ports: Partial<Ports> = {};
  for (const service of SERVICES) ports[service] = { grpcPort: await next(), membershipPort: await next() };
  return ports as Ports;
}

/** The server's configuration file, for JSON: see `config/development-postgres12.yaml` in the server's module. */
export function serverConfig(ports: Ports, databases: { main: URL; visibility: URL }): object {
  const address = `127.0.0.1:${ports.frontend.grpcPort}`;
  const sql = (database: URL) => ({
    sql: {
      ...{ pluginName: 'postgres12', databaseName: database.pathname.slice(1), connectProtocol: 'tcp', ...CONNECTIONS },
      ...{ connectAddr: `${database.hostname}:${database.port || 5432}` },
      ...{ user: decodeURIComponent(database.username), password: decodeURIComponent(database.password) },
    },
  });
  const rpc = (service: (typeof SERVICES)[number]) => ({ rpc: { ...ports[service], bindOnLocalHost: true } });
  return {
    log: { stdout: true, level: 'error' },
    persistence: {
      ...{ defaultStore: 'main', visibilityStore: 'visibility', numHistoryShards: HISTORY_SHARDS },
      datastores: { main: sql(databases.main), visibility: sql(databases.visibility) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(SERVICES.map((service) => [service, rpc(service)])),
    clusterMetadata: {
      ...{ enableGlobalNamespace: false, failoverVersionIncrement: 10 },
      ...{ masterClusterName: 'active', currentClusterName: 'active' },
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: address },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: DYNAMIC_CONFIG_FILE, pollInterval: '10s' },
  };
}
