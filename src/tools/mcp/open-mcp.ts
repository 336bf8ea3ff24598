import { setTimeout as delay } from 'node:timers/promises';
import type { Tool as ServerTool } from '@modelcontextprotocol/sdk/types.js';
import type { McpServerConfig, ToolConfig } from '../../config.ts';
import type { Log } from '../../log.ts';
import type { Tool } from '../tool.ts';
import { errorText } from './error-text.ts';
import { mcpTool } from './mcp-tool.ts';
import { McpServer, McpUnavailable } from './server.ts';
import { START_TIMEOUT_MS } from './session.ts';

/** How long a list waits for a server that is starting; the start itself goes on, and a later list finds it done. */
export const LIST_WAIT_MS = 10_000;
/** How long a call that the model has made waits for its server: for all of a start, and a list. */
const CALL_WAIT_MS = START_TIMEOUT_MS + LIST_WAIT_MS;

export type UnavailableServer = { server: string; message: string };

export interface McpTools {
  /**
   * The tools that the patterns (`server/tool`, `server/*`) name, in their order, each once; what is named but not to be had
   * is in `unavailable`. Never rejects, and takes `LIST_WAIT_MS` at most. Names without a `/` are not of MCP: passed over.
   */
  list(patterns: string[]): Promise<{ tools: Tool[]; unavailable: UnavailableServer[] }>;
  /**
   * Undefined: no such server is configured, or it has no such tool. Waits for a server that is starting. Rejects with `McpUnavailable`
   * when it cannot be asked, and with an `AbortError` by the signal.
   */
  find(name: string, signal?: AbortSignal): Promise<Tool | undefined>;
  /** Ends every session, and every stdio server with it, within about 3 s. */
  close(): Promise<void>;
}

/** The tools of the configured MCP servers. Nothing is started before its first use. */
export function openMcp(
  servers: Record<string, McpServerConfig>,
  tools: Record<string, ToolConfig>,
  log: Log,
): McpTools {
  const known = new Map(Object.entries(servers).map(([name, config]) => [name, new McpServer(name, config, log)]));

  const built = new WeakMap<ServerTool[], Tool[]>();
  const toolsOf = async (server: McpServer, listing: Promise<ServerTool[]>): Promise<Tool[]> => {
    const listed = await listing;
    const known = built.get(listed);
    if (known) return known;
    const made = listed.map((it) => mcpTool(server, it, tools[`${server.name}/${it.name}`], log));
    built.set(listed, made);
    return made;
  };

  return {
    list: async (patterns) => {
      const wanted = patterns.filter((pattern) => pattern.includes('/')).map(splitName);
      const names = [...new Set(wanted.map(({ server }) => server))];
      const listed = new Map(await Promise.all(names.map(async (name) => [name, await listOrWhyNot(name)] as const)));
      const found = new Map<string, Tool>();
      const unavailable = [...listed.values()].flatMap((it) => ('message' in it ? [it] : []));
      for (const { server, tool } of wanted) {
        const all = listed.get(server);
        if (all === undefined || 'message' in all) continue;
        const matching = all.tools.filter(({ name }) => tool === '*' || name === `${server}/${tool}`);
        if (matching.length === 0 && tool !== '*')
          unavailable.push({ server, message: `${server} has no tool ${tool}.` });
        for (const it of matching) found.set(it.name, it);
      }
      return { tools: [...found.values()], unavailable };
    },

    find: async (name, signal) => {
      const server = known.get(splitName(name).server);
      if (server === undefined) return undefined;
      return (await toolsOf(server, within(CALL_WAIT_MS, 0, server, signal))).find((tool) => tool.name === name);
    },

    close: async () => {
      await Promise.all([...known.values()].map((server) => server.close()));
    },
  };

  async function listOrWhyNot(name: string): Promise<{ tools: Tool[] } | UnavailableServer> {
    const server = known.get(name);
    if (server === undefined) return { server: name, message: `${name} is not configured.` };
    try {
      return { tools: await toolsOf(server, within(LIST_WAIT_MS, openingMs(server), server)) };
    } catch (error) {
      const message =
        error instanceof McpUnavailable ? error.message : `${name} cannot list its tools: ${errorText(error)}.`;
      log.warn({ mcp_server: name, message }, 'the tools of an MCP server are not offered');
      return { server: name, message };
    }
  }
}

function splitName(name: string): { server: string; tool: string } {
  const slash = name.indexOf('/');
  return slash < 0 ? { server: '', tool: name } : { server: name.slice(0, slash), tool: name.slice(slash + 1) };
}

/** A start that has been under way for long is not waited for again by every list. */
const openingMs = ({ openingSince }: McpServer): number => (openingSince === undefined ? 0 : Date.now() - openingSince);

async function within(
  boundMs: number,
  waitedMs: number,
  server: McpServer,
  signal?: AbortSignal,
): Promise<ServerTool[]> {
  const done = new AbortController();
  const listing = server.tools();
  const ends = AbortSignal.any([done.signal, ...(signal ? [signal] : [])]);
  const patience = delay(Math.max(0, boundMs - waitedMs), undefined, { signal: ends }).then(() => {
    throw new McpUnavailable(server.name, `${server.name} did not answer within ${boundMs / 1000} s.`);
  });
  try {
    return await Promise.race([listing, patience]);
  } finally {
    done.abort();
  }
}
