/**
 * Each example, played as `npm run example <name>` plays it, has the events of its golden file. To write the golden files anew
 * (and then read what has changed):
 *
 *     HOLDFAST_WRITE_GOLDEN=1 npx vitest run test/examples
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openApi } from '../../examples/api.ts';
import { examples } from '../../examples/index.ts';
import { type Example, runExample } from '../../examples/run-example.ts';
import { type Play, play } from '../../examples/stage.ts';
import { testTerminal, written } from '../../src/cli/test-terminal.ts';
import type { Created } from '../../src/runs/types.ts';
import { checkHistory } from '../support/events.ts';
import { ownEnv } from '../support/run-holdfast.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { goldenText } from './golden-text.ts';

const FOLDER = new URL('../../examples/', import.meta.url);
/** A whole server starts and ends within: some 4 s, and several times that on a busy machine. */
const TIMEOUT_MS = 180_000;

function open(example: Example) {
  const directory = temporaryDirectory();
  onTestFinished(directory.remove);
  const terminal = testTerminal(ownEnv(directory.path));
  return { terminal, streams: runExample(example, terminal, new AbortController().signal) };
}

it.each(examples.map((example) => [example.name, example] as const))(
  'the example %s ends as it says, with the events of its golden file',
  async (name, example) => {
    const { terminal, streams } = open(example);
    const seen = await streams;
    for (const { events } of seen) checkHistory(events);
    const printed = written(terminal.stdout).match(/^\S+ +\d+ {2}[a-z]+\.[a-z_]+/gm);
    expect(printed).toHaveLength(seen.flatMap(({ events }) => events).length);
    const golden = new URL(`${name}/events.golden`, FOLDER);
    if (process.env.HOLDFAST_WRITE_GOLDEN) writeFileSync(golden, goldenText(seen));
    expect(goldenText(seen)).toBe(readFileSync(golden, 'utf8'));
  },
  TIMEOUT_MS,
);

it(
  'what fails beside the client ends the example, and its server',
  async () => {
    const { terminal, streams } = open({
      name: 'child-runs',
      async play({ api, follow, beside }) {
        const { run_id } = await api.post<Created>('/v1/runs', { persona_id: 'planner', input: '/ask Which?' });
        for await (const event of follow(run_id, 'planner')) {
          if (event.type === 'run.waiting_for_input') beside(() => Promise.reject(new Error('nobody answers')));
        }
      },
    });
    await expect(streams).rejects.toThrow('nobody answers');
    const url = /ready: (\S+)/.exec(written(terminal.stdout))?.[1];
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
  },
  TIMEOUT_MS,
);

it('a promise that does not hold fails the example', async () => {
  const terminal = testTerminal({});
  const stage = { api: openApi({ baseUrl: 'http://127.0.0.1:9', apiKey: 'none' }), directory: '/nowhere', terminal };
  const client: Play = async ({ check }) => {
    check(true, 'one is one');
    check(false, 'one is two');
  };
  const played = play(client, { ...stage, signal: new AbortController().signal });
  await expect(played).rejects.toMatchObject({ code: 'example.failed', message: 'not so: one is two' });
  expect(written(terminal.stdout)).toBe('── ✓ one is one\n');
});

it('an unknown name is refused with those that there are', async () => {
  const main = fileURLToPath(new URL('main.ts', FOLDER));
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, [main, 'nothing'], (error, _stdout, stderr) => resolve({ code: error?.code, stderr }));
  });
  expect(code).toBe(1);
  expect(stderr).toContain('there are: approval, child-runs, files (example.unknown)');
});
