/** What the tests of MCP share: servers in a place of their own, calls, and what was executed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino, { type Logger } from 'pino';
import { onTestFinished } from 'vitest';
import type { McpServerConfig, ToolConfig } from '../../src/config.ts';
import { type McpTools, openMcp } from '../../src/tools/mcp/open-mcp.ts';
import type { Tool, ToolContext, ToolOutcome } from '../../src/tools/tool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import type { Execution } from './servers/workshop.ts';

const STDIO_WORKSHOP = fileURLToPath(new URL('./servers/stdio.ts', import.meta.url));

type Executed = Omit<Execution, 'at'>;

export type Bench = {
  directory: string;
  /** Where workshops log what they execute. */
  executionsFile: string;
  /** Without their times. */
  executions(): Executed[];
  /** The configuration of a workshop over stdio. */
  stdio(env?: Record<string, string>): McpServerConfig;
  /** The tools of these servers; closed after the test. */
  open(servers: Record<string, McpServerConfig>, tools?: Record<string, ToolConfig>): McpTools;
  /** What was logged, as JSON objects. */
  logged: Record<string, unknown>[];
};

/** A bench for one test, tidied up after it. */
export function bench(): Bench {
  const { path, remove } = temporaryDirectory();
  onTestFinished(remove);
  const executionsFile = join(path, 'executions.jsonl');
  const logged: Record<string, unknown>[] = [];
  const log: Logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  return {
    directory: path,
    executionsFile,
    executions: () => (existsSync(executionsFile) ? readLines(executionsFile) : []),
    stdio: (env = {}) => ({
      command: process.execPath,
      args: [STDIO_WORKSHOP],
      env: { EXECUTIONS: executionsFile, ...env },
      timeout_s: 20,
    }),
    open: (servers, tools = {}) => {
      const mcp = openMcp(servers, tools, log);
      onTestFinished(() => mcp.close());
      return mcp;
    },
    logged,
  };
}

function readLines(file: string): Executed[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { at: _, ...executed } = JSON.parse(line) as Execution;
      return executed;
    });
}

/** The tool of that name, which there must be. */
export async function toolOf(mcp: McpTools, name: string): Promise<Tool> {
  const tool = await mcp.find(name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return tool;
}

/** One call, with a call id of its own unless the context says one. */
export async function call(
  mcp: McpTools,
  name: string,
  args: unknown = {},
  context: Partial<ToolContext> = {},
): Promise<ToolOutcome> {
  return await (await toolOf(mcp, name)).execute(args, contextOf(context));
}

let calls = 0;

export function contextOf(context: Partial<ToolContext> = {}): ToolContext {
  calls += 1;
  return { call_id: `call_${calls}`, signal: new AbortController().signal, progress: () => undefined, ...context };
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** The processes of workshops that were started, oldest first, by what they said on standard error. */
export function workshopPids(logged: Record<string, unknown>[]): number[] {
  return logged.flatMap((line) => {
    const pid = /the workshop opens as (\d+)/.exec(String(line.stderr))?.[1];
    return pid === undefined ? [] : [Number(pid)];
  });
}
