import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { atATime } from './at-a-time.ts';
import type { Jobs } from './jobs.ts';

const clients = new Map<string, Promise<Client>>();

export const bareWorkflows: Jobs['bare'] = async ({ address, taskQueue, count, concurrency }) => {
  const client = await connected(address);
  return await atATime(count, concurrency, async () => {
    const workflowId = `bare-${randomUUID()}`;
    await client.workflow.execute('bareWorkflow', { taskQueue, workflowId, args: ['hello'] });
    return workflowId;
  });
};

function connected(address: string): Promise<Client> {
  const client =
    clients.get(address) ?? Connection.connect({ address }).then((connection) => new Client({ connection }));
  clients.set(address, client);
  return client;
}
