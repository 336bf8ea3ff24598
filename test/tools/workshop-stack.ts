/** A stack whose persona may use a workshop: an MCP server that logs each execution to a file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ToolConfig } from '../../src/config.ts';
import type { Execution } from '../mcp/servers/workshop.ts';
import { openStack, type Stack, type StackOptions } from '../support/stack.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const STDIO_WORKSHOP = fileURLToPath(new URL('../mcp/servers/stdio.ts', import.meta.url));

export type WorkshopStack = Stack & { executions(): Execution[] };

/** `approval` is the persona's: `shop/note: always` and the like. `more` is the stack's, `tools` of its holdfast.yaml, `env` the server's. */
export async function openWorkshopStack(
  approval: Record<string, 'always' | 'never' | 'hint'> = {},
  more: Omit<StackOptions, 'file'> = {},
  tools: Record<string, ToolConfig> = {},
  env: Record<string, string> = {},
): Promise<WorkshopStack> {
  const directory = temporaryDirectory();
  const file = join(directory.path, 'executions.jsonl');
  const stack = await openStack({
    ...more,
    file: {
      mcp: {
        shop: { command: process.execPath, args: [STDIO_WORKSHOP], env: { EXECUTIONS: file, ...env }, timeout_s: 20 },
      },
      tools,
      personas: [
        {
          key: 'assistant',
          route: 'demo',
          instructions: '',
          tools: ['ask_user', 'shop/*'],
          approval,
          budget: { on_exceeded: 'fail' },
          input_timeout_s: 600,
        },
      ],
    },
  });
  return {
    ...stack,
    executions: () => (existsSync(file) ? readLines(file) : []),
    async close(options?: { keep?: boolean }) {
      await stack.close(options);
      directory.remove();
    },
  };
}

export function readLines(file: string): Execution[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Execution);
}
