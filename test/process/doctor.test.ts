/** `holdfast doctor` beside a server: it names what journal and Temporal say of a run, and mends it when it is told to. */
import { Client, Connection } from '@temporalio/client';
import { expect, it } from 'vitest';
import { checkHistory } from '../support/events.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, statusOf, watch, wholeStory } from './reader.ts';

type Finding = { check: string; ok: boolean; says: string; todo?: string };

async function agreement(server: TestServer, ...args: string[]): Promise<{ code: number | null; found: Finding[] }> {
  const { code, stdout } = await server.holdfast(['doctor', ...args]);
  const findings = stdout.trim().split('\n');
  return { code, found: findings.map((line) => JSON.parse(line)).filter((finding) => finding.check === 'agreement') };
}

it('lists a run that was terminated and one that was deleted in Temporal, and ends and rebuilds them with --repair', {
  timeout: 180_000,
}, async () => {
  await using server = await startServer();
  const connection = await Connection.connect({ address: `127.0.0.1:${server.env.HOLDFAST_TEMPORAL_PORT}` });
  const { workflow } = new Client({ connection });
  const [terminated, deleted, well] = [
    await postRun(server, '/ask One?'),
    await postRun(server, '/ask Two?\n/say Done.'),
    await postRun(server, '/ask Three?'),
  ];
  const reader = await watch(server, terminated.run_id);
  for (const run of [terminated, deleted, well]) {
    await until(async () => (await statusOf(server, run.run_id)) === 'waiting_for_input', 'the run waits');
  }
  server.freeze();
  await workflow.getHandle(terminated.run_id).terminate('by an operator');
  const workflowExecution = { workflowId: deleted.run_id };
  await connection.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
  const gone = () =>
    workflow
      .getHandle(deleted.run_id)
      .describe()
      .then(() => false)
      .catch((error: Error) => error.name === 'WorkflowNotFoundError');
  await until(gone, 'the workflow is deleted', 20_000);

  const says = (what: string) => expect.stringContaining(what);
  const ended = `${terminated.run_id}: the journal says waiting_for_input, Temporal says terminated`;
  const lost = `${deleted.run_id}: the journal says waiting_for_input, Temporal says not_found`;
  const todo = says('holdfast doctor --repair');
  const listed = await agreement(server);
  expect(listed.found).toEqual([
    { check: 'agreement', ok: false, says: ended, todo },
    { check: 'agreement', ok: false, says: lost, todo },
  ]);
  expect(listed.code).toBe(1);
  expect((await agreement(server, '--repair')).found).toEqual([
    { check: 'agreement', ok: true, says: says(`${ended}: mended`) },
    { check: 'agreement', ok: true, says: says(`${lost}: mended`) },
  ]);
  server.thaw();

  await reader.untilClosed(10_000);
  checkHistory(reader.events);
  expect(reader.events.at(-1)).toMatchObject({ type: 'run.failed', data: { error: { code: 'engine.terminated' } } });
  await server.request('POST', `/v1/runs/${deleted.run_id}/input`, { content: 'two' });
  const { events } = await wholeStory(server, deleted.run_id);
  checkHistory(events);
  expect(events.at(-1)?.data.output).toContain('Done.');
  expect(await agreement(server)).toMatchObject({ code: 0, found: [{ ok: true }] });
  await connection.close();
});
