import { createRequire } from 'node:module';
import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { Logger } from 'pino';

const WORKFLOWS_PATH = createRequire(import.meta.url).resolve('../workflows/agent-run.ts');

/** Bundles the workflow code, about a second once per process. */
export function bundleWorkflows(log: Logger): Promise<WorkflowBundleWithSourceMap> {
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
