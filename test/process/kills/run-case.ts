/** One run, from its create to its end, on a server that dies as planned. */
import { expect } from 'vitest';
import type { Execution } from '../../mcp/servers/workshop.ts';
import { Client, type Shown } from './client.ts';
import type { Lane } from './lane.ts';
import type { Commit, Plan } from './plan.ts';

export type Ended = {
  /** The text of its user message, by which the model's requests are known. */
  input: string;
  lead: Shown;
  helper: Shown;
  commits: Commit[];
  /** Of this run's calls, if nothing else happened. */
  executions: Execution[];
  client: Client;
};

/** Makes the run and follows it to its end; dies and lives on as planned. */
export async function runCase(lane: Lane, input: string, plan?: Plan): Promise<Ended> {
  const client = new Client(lane);
  const life = lane.lives;
  const doneBefore = lane.executions().length;
  const newestBefore = await newest(client);
  lane.prepare(plan);
  const runId = await create(client, input, newestBefore);
  const runs = await client.followAll(runId);
  const [lead, helper] = runs;
  expect(runs).toHaveLength(2);
  const commits = lane.commits();
  expectDeath(commits, lane.lives - life, plan);
  await expectOneRun(client, input, runId, newestBefore);
  return {
    ...{ input, commits, client },
    lead: lead as Shown,
    helper: helper as Shown,
    executions: lane.executions().slice(doneBefore),
  };
}

/** The server died as planned, and only so. */
function expectDeath(commits: Commit[], deaths: number, plan: Plan | undefined): void {
  const killed = commits.filter((commit) => commit.killed);
  const { at, moment } = plan ?? {};
  const planned = plan ? [{ transactions: expect.arrayContaining([at]), killed: moment }] : [];
  expect({ killed, deaths }).toEqual({ killed: planned, deaths: planned.length });
}

const post = (input: string) => ['POST', '/v1/runs', { persona_id: 'lead', input }, `create ${input}`] as const;

/** The create is answered, or it is not: then the run exists, and goes on unasked, or it does not, and is created once more. */
async function create(client: Client, input: string, newestBefore: string | undefined): Promise<string> {
  const answer = await client.tryOnce(...post(input));
  if (answer !== 'lost') {
    expect(answer.status, answer.text).toBe(201);
    return answer.json.run_id;
  }
  const made = await newest(client);
  if (made !== undefined && made !== newestBefore) return made;
  const again = await client.send(...post(input));
  expect({ status: again.status, replayed: again.headers.get('idempotency-replayed') }).toEqual({
    status: 201,
    replayed: null,
  });
  return again.json.run_id;
}

/** The same create again is answered with the same run, and nothing more was made. */
async function expectOneRun(client: Client, input: string, runId: string, newestBefore: string | undefined) {
  const again = await client.send(...post(input));
  expect({ run_id: again.json.run_id, replayed: again.headers.get('idempotency-replayed') }).toEqual({
    ...{ run_id: runId, replayed: 'true' },
  });
  const { json } = await client.send('GET', '/v1/runs?persona_id=lead@1');
  expect(json[0].run_id).toBe(runId);
  expect(json[1]?.run_id).toBe(newestBefore);
}

async function newest(client: Client): Promise<string | undefined> {
  return (await client.send('GET', '/v1/runs?persona_id=lead@1&limit=1')).json[0]?.run_id;
}
