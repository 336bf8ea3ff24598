import { ARGUMENT_SEPARATOR } from './process-identity.ts';

/** The search attributes that make the Web UI readable, all of type Keyword. */
export const LOCAL_SEARCH_ATTRIBUTES: readonly string[] = [
  'HoldfastOrg',
  'HoldfastThread',
  'HoldfastPersona',
  'HoldfastStatus',
];

/** How long the local namespace keeps closed runs. The server's own default is one day; no start flag sets it. */
export const LOCAL_RETENTION_S = 30 * 24 * 3600;

/**
 * With one history shard the default of 20 queue polls a second costs 50 ms per workflow step; these rates end that. Timers are read up
 * to a second ahead of their time by default, and one that is set within what has been read fires at its end: a step that was handed over
 * began 0.7 s later, so 0.07 s. A server that does not know a key ignores it. deploy/temporal-dynamic.yaml says the same to a cluster.
 */
export const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 5000,
  'history.timerProcessorMaxPollRPS': 5000,
  'history.visibilityProcessorMaxPollRPS': 5000,
  'history.timerProcessorMaxTimeShift': '50ms',
  'system.enableActivityEagerExecution': true,
  'matching.enableFairness': true,
};

export interface ServerSettings {
  port: number;
  uiPort: number;
  dbFile: string;
  namespace: string;
  searchAttributes: readonly string[];
}

/** The arguments of `temporal` that start the local server, listening on 127.0.0.1 only. */
export function startArguments({ port, uiPort, dbFile, namespace, searchAttributes }: ServerSettings): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...['--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    ...['--log-level', 'error'],
    // Naming `default` again would create it twice.
    ...(namespace === 'default' ? [] : ['--namespace', namespace]),
    ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
  ];
}

/** Whether `commandLine` (process-identity.ts) is a development server on that database file, started by us or by anyone. */
export function servesDatabase(commandLine: string, dbFile: string): boolean {
  const holds = (...words: string[]): boolean => commandLine.includes(['', ...words, ''].join(ARGUMENT_SEPARATOR));
  return holds('server', 'start-dev') && holds('--db-filename', dbFile);
}
