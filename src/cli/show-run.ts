/** Shows a run as it happens, to its end. */
import type { HoldfastClient } from '../client/holdfast-client.ts';
import type { RunEvent } from '../client/run-event.ts';
import { HoldfastError } from '../errors.ts';
import { isCode } from '../temporal/local-server/process-identity.ts';
import { answersOnTerminal } from './answer-on-terminal.ts';
import { failureLine } from './failure-line.ts';
import { howToAnswer } from './how-to-answer.ts';
import { createEventPrinter, formFor } from './print-events.ts';
import { type Terminal, untilUnread, wantsColor } from './terminal.ts';

export type ShowOptions = {
  afterSeq?: number;
  follow?: boolean;
  /** Ask the person at the terminal, where there is one, instead of saying how to answer. */
  ask?: boolean;
};

/**
 * Prints the run's events until the last. A request is asked on the terminal, or printed on standard error with the commands
 * that answer it. Throws what a failed or cancelled run ended with.
 */
export async function showRun(
  client: HoldfastClient,
  runId: string,
  terminal: Terminal,
  { afterSeq, follow, ask }: ShowOptions,
): Promise<void> {
  const { stdout, stderr } = terminal;
  const printer = createEventPrinter(stdout, formFor(stdout), wantsColor(terminal, stdout));
  const answers = ask && terminal.stdin.isTTY ? answersOnTerminal(client, runId, terminal) : undefined;
  const onReconnect = (seq: number, cause: unknown) => {
    stderr.write(`${failureLine(cause)}: going on after event ${seq} when it answers\n`);
  };
  const unread = untilUnread(stdout);
  let last: RunEvent | undefined;
  try {
    for await (const event of client.events(runId, { afterSeq, follow, onReconnect, signal: unread })) {
      last = event;
      await printer.print(event);
      if (event.type === 'run.input_received') answers?.settled(event.data.request_id);
      if (event.type !== 'run.waiting_for_input') continue;
      if (answers && event.data.kind !== 'tool_outputs') answers.ask(event.data);
      else stderr.write(`${howToAnswer(runId, event.data, client.baseUrl).join('\n')}\n`);
    }
  } catch (error) {
    if (isCode(unread.reason, 'EPIPE')) return; // the reader has seen enough
    throw error;
  } finally {
    if (!unread.aborted) await printer.end();
    await answers?.close();
  }
  if (last) refuseBadEnd(runId, last);
}

function refuseBadEnd(runId: string, last: RunEvent): void {
  if (last.type === 'run.failed') {
    throw new HoldfastError(last.data.error.code, `${runId} failed: ${last.data.error.message}`);
  }
  if (last.type === 'run.cancelled') {
    throw new HoldfastError('runs.cancelled', `${runId} was cancelled: ${last.data.reason}`);
  }
}
