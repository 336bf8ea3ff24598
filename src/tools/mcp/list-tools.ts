import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ListToolsResultSchema, type Tool as ServerTool } from '@modelcontextprotocol/sdk/types.js';
import type { Log } from '../../log.ts';

const PAGE_TIMEOUT_MS = 10_000;
const MAX_PAGES = 100;

/**
 * Every page of a server's tools; none when it offers no tools. A tool that only runs as a task of the (experimental)
 * task protocol is left out. Rejects when a page does not come within `PAGE_TIMEOUT_MS` or the pages do not end.
 */
export async function listTools(client: Client, log: Log): Promise<ServerTool[]> {
  if (client.getServerCapabilities()?.tools === undefined) return [];
  const tools: ServerTool[] = [];
  let cursor: string | undefined;
  for (let page = 1; page <= MAX_PAGES; page++) {
    // Not `client.listTools`, which fails as a whole when one tool's output schema cannot be compiled.
    const listed = await client.request(
      { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
      ListToolsResultSchema,
      { timeout: PAGE_TIMEOUT_MS },
    );
    tools.push(...listed.tools);
    cursor = listed.nextCursor;
    if (cursor === undefined) return tools.filter((tool) => isCallable(tool, log));
  }
  throw new Error(`its list of tools has more than ${MAX_PAGES} pages`);
}

function isCallable(tool: ServerTool, log: Log): boolean {
  if (tool.execution?.taskSupport !== 'required') return true;
  log.debug({ tool: tool.name }, 'a tool that only runs as a task is not offered');
  return false;
}
