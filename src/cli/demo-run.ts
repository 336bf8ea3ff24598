/** The demo's run, watched from its first event to its last while its server is killed and started again. */
import { isDeepStrictEqual } from 'node:util';
import type { HoldfastClient } from '../client/holdfast-client.ts';
import type { RunEvent } from '../client/run-event.ts';
import { HoldfastError } from '../errors.ts';
import { DEMO_RUN, demoAnswer, KILL_AFTER_CHUNKS } from './demo-script.ts';
import type { EventPrinter } from './print-events.ts';

export type DemoRunOptions = {
  client: HoldfastClient;
  printer: EventPrinter;
  /** Prints what the demo itself has to say. */
  say: (line: string) => Promise<void>;
  /** Kills the server and starts it again on the same data; resolves when it is ready. */
  killAndRestart: () => Promise<void>;
  signal: AbortSignal;
};

/** Plays the run to its end. Gives its id and the events as they were seen. */
export async function playDemoRun(options: DemoRunOptions): Promise<{ runId: string; seen: RunEvent[] }> {
  const { client, printer, say, killAndRestart } = options;
  const { run_id: runId } = await client.createRun(DEMO_RUN);
  await say(`run ${runId} is accepted`);

  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const sayUiUrl = sayOnce(client, runId, say);
  const seen: RunEvent[] = [];
  let chunksOfStory: number | undefined;
  let restarted: Promise<void> | undefined;

  const onReconnect = (afterSeq: number) => {
    void say(`the connection is lost: the client asks for the events after ${afterSeq} until the server answers`);
  };
  try {
    for await (const event of client.events(runId, { signal, onReconnect })) {
      seen.push(event);
      await printer.print(event);
      if (!isDelta(event) && !restarted) await sayUiUrl();
      if (event.type === 'run.waiting_for_input') {
        const reply = demoAnswer(event.data);
        if (!reply) throw new HoldfastError('demo.failed', `the run waits for ${event.data.kind}, which it should not`);
        await say(reply.words);
        await client.answer(runId, reply.answer);
      }
      if (event.type === 'run.input_received' && event.data.kind === 'question') chunksOfStory = 0;
      if (event.type === 'message.delta' && chunksOfStory !== undefined) chunksOfStory++;
      if (event.type === 'message.reset') {
        await say(
          'message.reset: the turn that was cut off is tried again, so its text up to here is void and comes anew',
        );
      }
      if (chunksOfStory === KILL_AFTER_CHUNKS && !restarted) {
        // Beside this loop: what is still on its way from the dead server is printed, and the client finds the new one.
        restarted = killAndRestart();
        restarted.catch((error) => failed.abort(error));
      }
    }
  } finally {
    await restarted; // no server may be on its way when the demo ends
  }
  await sayUiUrl();
  return { runId, seen };
}

/**
 * What the demo promises, each with what was found: a list of what holds.
 * Errors: `demo.failed` for the first promise that does not.
 */
export async function checkDemoRun(client: HoldfastClient, runId: string, seen: RunEvent[]): Promise<string[]> {
  const last = seen.at(-1);
  const replay: RunEvent[] = [];
  for await (const event of client.events(runId, { afterSeq: 0, follow: false })) replay.push(event);
  const { status } = await client.getRun(runId);
  const checks: [holds: boolean, words: string, found?: string][] = [
    [last?.type === 'run.completed', 'the last event is run.completed', last?.type],
    [status === 'completed', "the run's status is completed", status],
    [seen.every((event, index) => event.seq === index + 1), `the seqs are 1 to ${seen.length}, without gap or repeat`],
    [seen.some((event) => event.type === 'tool.result'), 'a tool was used'],
    [seen.some((event) => event.type === 'run.input_received'), 'its human was asked and answered'],
    [seen.some((event) => event.type === 'message.reset'), 'the server was killed in mid-stream, the turn tried again'],
    [isDeepStrictEqual(replay, seen), `all ${replay.length} events read again from the start are those that were seen`],
  ];
  for (const [holds, words, found] of checks) {
    if (!holds) throw new HoldfastError('demo.failed', `not so: ${words}${found ? ` (it is ${found})` : ''}`);
  }
  return checks.map(([, words]) => words);
}

function isDelta(event: RunEvent): boolean {
  return event.type === 'message.delta' || event.type === 'reasoning.delta';
}

/** Says the Web UI's address of the run as soon as the server knows it. */
function sayOnce(client: HoldfastClient, runId: string, say: (line: string) => Promise<void>): () => Promise<void> {
  let said = false;
  return async () => {
    if (said) return;
    const { ui_url } = (await client.getRun(runId)).temporal;
    if (!ui_url) return;
    said = true;
    await say(`Temporal Web UI of this run: ${ui_url}`);
  };
}
