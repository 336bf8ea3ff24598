import { type Command, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import type { RunsQuery } from '../client/holdfast-client.ts';
import { RUN_STATUSES, type RunRow, type RunStatus } from '../runs/types.ts';
import { addServerOptions, findServer, type ServerOptions } from './find-server.ts';
import { processTerminal, type Terminal, untilUnread, wantsColor } from './terminal.ts';

type Options = ServerOptions & { limit: number; status?: RunStatus; thread?: string; before?: string };

const MAX_LIMIT = 200;

/** `holdfast runs`: the organisation's runs, newest first. */
export function addRunsCommand(program: Command, terminal: Terminal = processTerminal()): void {
  const command = program
    .command('runs')
    .description('List runs, newest first: a table on a terminal, else one JSON object a line.')
    .option('--limit <n>', `how many, 1 to ${MAX_LIMIT}`, parseLimit, 20)
    .addOption(new Option('--status <status>', 'only runs with this status').choices(RUN_STATUSES))
    .option('--thread <thread_id>', 'only runs of this thread')
    .option('--before <run_id>', 'only runs older than this one')
    .action((options: Options) => listRuns(terminal, options));
  addServerOptions(command).addHelpText(
    'after',
    `
Examples:
  $ holdfast runs
  $ holdfast runs --status waiting_for_input
  $ holdfast runs --limit 200 | jq -r 'select(.status == "failed") | .run_id'`,
  );
}

function parseLimit(text: string): number {
  const limit = /^\d+$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw new InvalidArgumentError(`expected an integer from 1 to ${MAX_LIMIT}.`);
  return limit;
}

async function listRuns(terminal: Terminal, { limit, status, thread, before, url }: Options): Promise<void> {
  const query: RunsQuery = { limit, status, before, thread_id: thread };
  const runs = await findServer(terminal, { url }).listRuns(query);
  const { stdout } = terminal;
  untilUnread(stdout); // a list that is cut short, as by `head`, is no failure
  if (!stdout.isTTY) {
    for (const run of runs) stdout.write(`${JSON.stringify(run)}\n`);
    return;
  }
  const colors = pc.createColors(wantsColor(terminal, stdout));
  if (runs.length === 0) stdout.write('no runs\n');
  const rows = runs.map(cells);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  if (rows.length > 0) stdout.write(`${colors.dim(line(HEADINGS))}\n`);
  for (const row of rows) stdout.write(`${line(row)}\n`);
}

const HEADINGS = ['RUN', 'STATUS', 'MODEL', 'CREATED', 'DURATION', 'TOKENS', 'COST'];

function cells(run: RunRow): string[] {
  return [
    run.run_id,
    run.status,
    run.model ?? '–',
    run.created_at,
    run.duration_ms === null ? '–' : `${(run.duration_ms / 1000).toFixed(1)} s`,
    String(run.total_input_tokens + run.total_output_tokens),
    run.total_cost_usd === null ? '–' : `$${run.total_cost_usd}`,
  ];
}
