/** The worker of the bare workflow, a process of its own: `node worker.ts <address> <task queue>`. Says `ready` to its parent. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { MAX_ACTIVITIES, MAX_CACHED_WORKFLOWS } from '../../worker/capacity.ts';
import { answer } from './activity.ts';

const [address = '', taskQueue = ''] = process.argv.slice(2);
Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./workflow.ts', import.meta.url)),
  activities: { answer },
  maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
  maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
});
process.once('disconnect', () => worker.getState() === 'RUNNING' && worker.shutdown());
// The parent may have gone while the workflow was bundled.
if (!process.connected) process.exit();
process.send?.('ready');
await worker.run();
await connection.close();
