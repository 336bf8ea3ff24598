/**
 * The official SDKs against a real server: the npm package `openai` in three majors and the PyPI package `openai`, whose helpers
 * must work unchanged, see the same objects, and call every endpoint. `npx vitest run test/openai-sdk` prints the table of
 * endpoints and SDKs, and leaves it as JSON (`TABLE_FILE`).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelFlows } from './flows/cancels.ts';
import { answersIn, begin, outputsFor, TWO_CITIES } from './flows/dialogue.ts';
import { expiryFlows } from './flows/expiry.ts';
import { finalObjectFlows, incompleteHelperFlows } from './flows/later-helpers.ts';
import { objectFlows } from './flows/objects.ts';
import { refusalFlows } from './flows/refusals.ts';
import { retryFlows } from './flows/retries.ts';
import { runLimitFlows } from './flows/run-limits.ts';
import { runFlows } from './flows/runs.ts';
import { serverRequestFlows } from './flows/server-requests.ts';
import { streamFlows } from './flows/streams.ts';
import { toolCallFlows } from './flows/tool-calls.ts';
import { createConformance } from './support/conformance.ts';
import { NPM_SDKS, type Sdk } from './support/npm-sdk.ts';
import { observe } from './support/observe.ts';
import { outcomeTable, publishTable } from './support/outcome-table.ts';
import { pythonWithOpenai } from './support/python-environment.ts';
import { listPythonTests, observeInPython, type PythonSuite, startPythonSuite } from './support/python-suite.ts';
import { openSuite, type Suite } from './support/suite.ts';

const FLOWS = {
  ...{ objects: objectFlows, runs: runFlows, 'limits and options': runLimitFlows, 'tool calls': toolCallFlows },
  ...{ 'requests of the server': serverRequestFlows, streams: streamFlows, cancelling: cancelFlows },
  ...{ expiry: expiryFlows, refusals: refusalFlows, retries: retryFlows },
};
/** By the first major whose helpers can. */
const LATER_FLOWS = [
  { since: 6, what: 'streams to a token limit', flows: incompleteHelperFlows },
  { since: 7, what: 'final objects of a stream', flows: finalObjectFlows },
];
const PYTHON_AGENT = 'OpenAI/Python 3.22.1';

const python = await pythonWithOpenai();
const pythonTests = await listPythonTests(python);
const failed = new Set<string>();
let suite: Suite;
let pythonSuite: PythonSuite;
beforeAll(async () => {
  suite = await openSuite();
  pythonSuite = startPythonSuite(python, suite.address);
});
afterAll(async () => {
  await pythonSuite?.stop();
  await suite?.close();
});

/** A test whose outcome counts in the table. */
function counted(title: string, name: string, body: () => Promise<void>, { concurrent = false } = {}): void {
  it(title, { concurrent }, async () => {
    failed.add(name);
    await body();
    failed.delete(name);
  });
}

for (const { agent, major, open } of NPM_SDKS) {
  const later = LATER_FLOWS.filter(({ since }) => since <= major).map(({ what, flows }) => [what, flows] as const);
  describe(agent, () => {
    describe.each([...Object.entries(FLOWS), ...later])('%s', (_, flows) => {
      // At once: each waits for its run's whole time.
      const concurrent = flows === expiryFlows;
      for (const [title, flow] of Object.entries(flows)) {
        const name = `${agent} ${title}`;
        counted(title, name, () => flow(suite.world(name, open)), { concurrent });
      }
    });
  });
}

describe(PYTHON_AGENT, () => {
  for (const title of pythonTests) {
    counted(title, `${PYTHON_AGENT} ${title}`, async () => {
      const result = await pythonSuite.result(title);
      if (!result.ok) throw new Error(result.error);
    });
  }
});

describe('all of them', () => {
  it('see the same messages, runs, steps and usage in the same thread', async () => {
    const sdks = NPM_SDKS.map(({ agent, open }) => suite.world(`${agent} observes`, open).sdk);
    const [seven, ...others] = sdks as [Sdk, ...Sdk[]];
    const { assistant_id, thread } = await begin(seven, `/say Looking\n${TWO_CITIES}`);
    const waiting = await seven.createAndPoll(thread, { assistant_id, metadata: { job: '1' } });
    await seven.submitAndPoll(thread, waiting.id, outputsFor(waiting));
    await seven.createMessage(thread, { role: 'user', content: '/stream chunks=300 delay_ms=0' });
    await seven.createAndPoll(thread, { assistant_id, max_completion_tokens: 256 });
    expect(await answersIn(seven, thread)).toHaveLength(3);

    const seen = await observe(seven, thread);
    expect(seen).toMatchObject({ runs: [{ status: 'completed' }, { status: 'incomplete' }] });
    for (const sdk of others) expect(await observe(sdk, thread)).toEqual(seen);
    expect(await observeInPython(python, suite.address, thread)).toEqual(seen);
  });

  it('were answered as the document says', () => {
    const disagreements = createConformance();
    expect(suite.recorded().flatMap(disagreements)).toEqual([]);
  });

  it('have called every endpoint', () => {
    const table = outcomeTable(suite.recorded(), failed, [...NPM_SDKS.map((it) => it.agent), PYTHON_AGENT]);
    process.stdout.write(`${publishTable(table)}\n`);
    for (const [operation, cells] of Object.entries(table)) {
      for (const [agent, cell] of Object.entries(cells))
        expect(cell, `${operation} by ${agent}`).not.toBe('not called');
    }
  });
});
