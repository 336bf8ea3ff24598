/** Which call of the dialect works with which SDK, as the run of the suites has seen it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPERATION_NAMES } from './operations.ts';
import type { Recorded } from './recording-proxy.ts';

export type Cell = 'pass' | 'fail' | 'not called';
export type OutcomeTable = Record<string, Record<string, Cell>>;

/** Where the last run's table lies, as JSON. */
export const TABLE_FILE = join(tmpdir(), 'holdfast-openai-sdk', 'endpoints.json');

/** A call passes with an SDK when every test in which that SDK made it has passed. */
export function outcomeTable(recorded: Recorded[], failedCases: ReadonlySet<string>, agents: string[]): OutcomeTable {
  const cell = (operation: string, agent: string): Cell => {
    const cases = recorded.filter((it) => it.operation === operation && it.agent.endsWith(agent)).map((it) => it.case);
    if (cases.length === 0) return 'not called';
    return cases.some((name) => failedCases.has(name)) ? 'fail' : 'pass';
  };
  return Object.fromEntries(
    OPERATION_NAMES.map((operation) => [
      operation,
      Object.fromEntries(agents.map((agent) => [agent, cell(operation, agent)])),
    ]),
  );
}

/** Writes the table to `TABLE_FILE`, and gives it as lines to read. */
export function publishTable(table: OutcomeTable): string {
  mkdirSync(join(TABLE_FILE, '..'), { recursive: true });
  writeFileSync(TABLE_FILE, `${JSON.stringify(table, null, 2)}\n`);
  const width = Math.max(...Object.keys(table).map((name) => name.length));
  const lines = Object.entries(table).map(([operation, cells]) =>
    [operation.padEnd(width), ...Object.entries(cells).map(([agent, cell]) => `${agent}: ${cell}`)].join('  '),
  );
  return [`endpoint × SDK (${TABLE_FILE})`, ...lines].join('\n');
}
