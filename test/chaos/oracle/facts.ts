/** All that the oracle knows: what clients did and saw, what the API says at the end, what provider and MCP server wrote down. */
import { readFileSync } from 'node:fs';
import { eachAtATime } from '../../../src/at-a-time.ts';
import type { Execution } from '../../mcp/servers/workshop.ts';
import type { SeenEvent } from '../../support/events.ts';
import type { Form } from '../forms/form.ts';
import type { Case } from '../load/case.ts';
import type { ChaosClient } from '../load/chaos-client.ts';
import type { Struck } from '../strike.ts';
import type { ProviderLine } from '../stubs/provider.ts';

export type StoredRun = {
  run_id: string;
  thread_id: string;
  status: string;
  last_seq: number;
  parent_run_id: string | null;
  pending_inputs: unknown[];
  metadata: Record<string, string>;
  text: string;
  events: SeenEvent[];
};

export type Facts = {
  cases: Case[];
  runs: Map<string, StoredRun>;
  /** `active_run_id` of every thread of a run. */
  threads: Map<string, string | null>;
  openInputs: unknown[];
  provider: ProviderLine[];
  executions: Execution[];
  struck: Struck[];
  hasSpare: boolean;
  /** Processes of Holdfast that ended though nobody killed them. */
  ended: readonly string[];
};

const PAGE = 200;
/** Requests at a time. */
const LOOKS = 8;

/** Looks at everything through the API, once all faults are over and all clients are done. */
export async function collect(
  form: Form,
  client: ChaosClient,
  told: { cases: Case[]; struck: Struck[] },
): Promise<Facts> {
  const ids = await allRuns(client);
  const runs = new Map<string, StoredRun>();
  await eachAtATime(ids, LOOKS, async (id) => void runs.set(id, await look(client, id)));
  const threads = new Map<string, string | null>();
  const threadIds = new Set([...runs.values()].map((run) => run.thread_id));
  await eachAtATime(threadIds, LOOKS, async (id) => {
    threads.set(id, (await client.send('GET', `/v1/threads/${id}`)).json.active_run_id);
  });
  return {
    ...told,
    runs,
    threads,
    openInputs: (await client.send('GET', '/v1/inputs')).json,
    provider: linesOf<ProviderLine>(form.providerLog),
    executions: linesOf<Execution>(form.toolsLog),
    ...{ hasSpare: form.hasSpare, ended: form.ended },
  };
}

async function allRuns(client: ChaosClient): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const before = ids.length === 0 ? '' : `&before=${ids.at(-1)}`;
    const { json } = await client.send('GET', `/v1/runs?limit=${PAGE}${before}`);
    ids.push(...json.map((run: { run_id: string }) => run.run_id));
    if (json.length < PAGE) return ids;
  }
}

async function look(client: ChaosClient, id: string): Promise<StoredRun> {
  const { text, events } = await client.stored(id);
  return { ...(await client.send('GET', `/v1/runs/${id}`)).json, text, events };
}

/** A process that was killed may have left its last line half written. */
function linesOf<T>(file: string): T[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as T);
}
