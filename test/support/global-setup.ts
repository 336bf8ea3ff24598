/** What the suites share: one local Temporal server, found or built as `holdfast start` does. Each suite has its own queue. */
import type { TestProject } from 'vitest/node';
import { createLog } from '../../src/log.ts';
import { localTemporal } from '../../src/temporal/local-server/index.ts';
import { temporaryDirectory } from './temporary-directory.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    temporalAddress: string;
    temporalUiUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = temporaryDirectory();
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const log = createLog('warn');
  const started = performance.now();
  const server = await localTemporal({
    dataDir: directory.path,
    port: 17_233,
    uiPort: 18_233,
    log: {
      ...log,
      info: (fields: object, message: string) => say(`tests: ${message} ${JSON.stringify(fields)}`),
      warn: log.warn.bind(log),
      error: log.error.bind(log),
    },
    onProgress: say,
  });
  say(
    `tests: Temporal at ${server.address}, Web UI ${server.uiUrl}, after ${Math.round(performance.now() - started)} ms`,
  );
  project.provide('temporalAddress', server.address);
  project.provide('temporalUiUrl', server.uiUrl);
  return async () => {
    await server.stop();
    directory.remove();
  };
}
