/** What an example's client has beside the API: the terminal it shows its runs on, and what it promises of them. */
import { Writable } from 'node:stream';
import { createEventPrinter } from '../src/cli/print-events.ts';
import { type Terminal, wantsColor } from '../src/cli/terminal.ts';
import type { RunEvent } from '../src/client/run-event.ts';
import { HoldfastError } from '../src/errors.ts';
import type { Api } from './api.ts';

export type Stage = {
  api: Api;
  /** A directory of this example's own, empty at first, as `EXAMPLE_DIR` in its holdfast.yaml. */
  directory: string;
  /** The run's events as they arrive, each printed after `name` and kept. */
  follow(runId: string, name: string): AsyncGenerator<RunEvent>;
  /** Does `work` while the client goes on with other things. Its failure is the example's. */
  beside(work: () => Promise<void>): void;
  /** A line between events. */
  say(line: string): void;
  /** Errors: `example.failed` when what the example promises does not hold. */
  check(holds: boolean, promise: string): void;
};

/** What an example does as a client. */
export type Play = (stage: Stage) => Promise<void>;

/** A run and all its events, as they were seen. */
export type Stream = { run_id: string; name: string; events: RunEvent[] };

const NAME_WIDTH = 12;

/** Plays a client to its end, and gives the streams of its runs in the order in which it followed them. */
export async function play(
  client: Play,
  { api, directory, terminal, signal }: { api: Api; directory: string; terminal: Terminal; signal: AbortSignal },
): Promise<Stream[]> {
  const { stdout } = terminal;
  const streams: Stream[] = [];
  const works: Promise<void>[] = [];
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, failed.signal]);
  const say = (line: string) => void stdout.write(`── ${line}\n`);

  async function* follow(runId: string, name: string): AsyncGenerator<RunEvent> {
    const stream: Stream = { run_id: runId, name, events: [] };
    streams.push(stream);
    const printer = createEventPrinter(linesOf(name, stdout), 'lines', wantsColor(terminal, stdout));
    for await (const event of api.events(runId, stopped)) {
      stream.events.push(event);
      await printer.print(event);
      yield event;
    }
  }

  const beside = (work: () => Promise<void>) => {
    const done = work();
    done.catch((error: unknown) => failed.abort(error));
    works.push(done);
  };
  const check = (holds: boolean, promise: string) => {
    if (!holds) throw new HoldfastError('example.failed', `not so: ${promise}`);
    say(`✓ ${promise}`);
  };
  try {
    await client({ api, directory, follow, beside, say, check });
    await Promise.all(works);
    return streams;
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(works);
    throw error;
  }
}

/** A printer's lines, each after the name of the run that it tells of. A line is on `out` before the next thing is said. */
function linesOf(name: string, out: Writable): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      if (out.write(`${name.padEnd(NAME_WIDTH)}${line}`)) done();
      else out.once('drain', done);
    },
  });
}
