/** Asks the person at the terminal what a run asks of its human. */
import { createInterface } from 'node:readline/promises';
import type { HoldfastClient } from '../client/holdfast-client.ts';
import type { InputRequest } from '../client/run-event.ts';
import { isHoldfastError } from '../errors.ts';
import { failureLine } from './failure-line.ts';
import { howToAnswer } from './how-to-answer.ts';
import { type Terminal, withoutControls } from './terminal.ts';

export type TerminalAnswers = {
  /** Asks after the requests that came before. Does not wait for the answer. */
  ask(request: InputRequest): void;
  /** The request is settled, here or elsewhere: the question is withdrawn. */
  settled(requestId: string): void;
  /** Withdraws all questions; resolves when none is on the terminal. */
  close(): Promise<void>;
};

/** The codes of a request that no longer takes an answer. */
const SETTLED_CODES = new Set(['runs.input_stale', 'runs.not_waiting', 'runs.not_active', 'runs.not_found']);

/** Questions of the run `runId`, one at a time. An answer that is refused is explained and asked for again. */
export function answersOnTerminal(client: HoldfastClient, runId: string, terminal: Terminal): TerminalAnswers {
  const open = new Map<string, AbortController>();
  let queue = Promise.resolve();
  return {
    ask(request) {
      const withdrawn = new AbortController();
      open.set(request.request_id, withdrawn);
      queue = queue.then(() => askUntilSettled(client, runId, terminal, request, withdrawn.signal));
    },
    settled: (requestId) => open.get(requestId)?.abort(),
    async close() {
      for (const withdrawn of open.values()) withdrawn.abort();
      await queue;
    },
  };
}

async function askUntilSettled(
  client: HoldfastClient,
  runId: string,
  terminal: Terminal,
  request: InputRequest,
  withdrawn: AbortSignal,
): Promise<void> {
  while (!withdrawn.aborted) {
    const content = await readLine(terminal, `${promptOf(request)} `, withdrawn);
    if (withdrawn.aborted) return;
    if (content === undefined) {
      for (const line of howToAnswer(runId, request, client.baseUrl)) terminal.stderr.write(`${line}\n`);
      return;
    }
    try {
      await client.answer(runId, { content, request_id: request.request_id });
      return;
    } catch (error) {
      terminal.stderr.write(`${failureLine(error)}\n`);
      if (isHoldfastError(error) && SETTLED_CODES.has(error.code)) return;
    }
  }
}

function promptOf({ prompt, options }: InputRequest): string {
  const choices = options?.length ? ` [${options.join(' | ')}]` : '';
  return withoutControls(`${prompt}${choices} >`);
}

/** One line typed by the person; undefined when the input ended or the question was withdrawn. */
async function readLine(terminal: Terminal, prompt: string, withdrawn: AbortSignal): Promise<string | undefined> {
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr, terminal: true });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  // Raw mode swallows Ctrl-C; it is to end this command as it ends any other. The run goes on.
  lines.once('SIGINT', () => {
    lines.close();
    process.kill(process.pid, 'SIGINT');
  });
  try {
    return await lines.question(prompt, { signal: AbortSignal.any([withdrawn, ended.signal]) });
  } catch (error) {
    if (withdrawn.aborted || ended.signal.aborted) return undefined;
    throw error;
  } finally {
    lines.close();
  }
}
