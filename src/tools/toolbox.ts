/** Every tool a run may be offered: Holdfast's own, those of MCP servers, and the functions its client runs itself. */
import type { FileConfig } from '../config.ts';
import type { TurnCall } from '../journal/open-calls.ts';
import type { RunSpec } from '../journal/run-row.ts';
import type { Log } from '../log.ts';
import type { ModelPart, ToolSpec } from '../models/types.ts';
import { needsApproval } from './approval.ts';
import { ASK_USER, askUserTool, readQuestion } from './ask-user.ts';
import { HTTP_REQUEST, httpRequestTool } from './http-request.ts';
import { openMcp } from './mcp/open-mcp.ts';
import { callPolicy, type Tool } from './tool.ts';

type ModelCall = Extract<ModelPart, { type: 'tool_call' }>;

/** What one turn offers its model, and how it reads the calls that come back. */
export type Offer = {
  specs: ToolSpec[];
  /** What cannot run has its error, which the model is told as the call's result. */
  read(call: ModelCall): TurnCall;
};

export type Toolbox = {
  /** The tools of a run in the order it names them, its client's own last. A server that cannot be asked offers none. */
  offer(spec: RunSpec): Promise<Offer>;
  /** The tool a call names; undefined when it is not, or no longer, configured. Rejects with `McpUnavailable`. */
  find(name: string): Promise<Tool | undefined>;
  close(): Promise<void>;
};

/** Opens the configured tools. No server is started before its first use. */
export function openToolbox(file: Pick<FileConfig, 'mcp' | 'tools'>, log: Log): Toolbox {
  const mcp = openMcp(file.mcp, file.tools, log);
  const { hosts = [], timeout_s } = file.tools[HTTP_REQUEST] ?? {};
  const http = httpRequestTool(hosts, timeout_s === undefined ? {} : { timeoutS: timeout_s });
  return {
    async offer(spec) {
      const listed = await mcp.list(spec.tools);
      for (const { server, message } of listed.unavailable) log.warn({ server, message }, 'tools are not offered');
      const tools = [...(http && spec.tools.includes(HTTP_REQUEST) ? [http] : []), ...listed.tools];
      return createOffer(spec, tools);
    },
    find: async (name) => (name === HTTP_REQUEST ? http : await mcp.find(name)),
    close: () => mcp.close(),
  };
}

function createOffer(spec: RunSpec, configured: Tool[]): Offer {
  // A function of the client's own takes the place of a tool that has its name.
  const own = new Set(spec.client_tools.map((tool) => tool.name));
  const tools = configured.filter((tool) => !own.has(tool.name));
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const asks = spec.tools.includes(ASK_USER) && !own.has(ASK_USER);
  const client = spec.client_tools.map((tool) => ({
    name: tool.name,
    description: tool.description ?? '',
    parameters: tool.parameters ?? { type: 'object', properties: {} },
    ...(tool.strict === undefined ? {} : { strict: tool.strict }),
  }));
  return {
    specs: [
      ...(asks ? [askUserTool] : []),
      ...tools.map(({ name, description, parameters }) => ({ name, description, parameters })),
      ...client,
    ],
    read(call) {
      const read = { name: call.name, arguments: call.arguments, ...badJson(call) };
      if (client.some((tool) => tool.name === call.name)) return { kind: 'client', ...read };
      if (asks && call.name === ASK_USER) {
        return { kind: 'ask_user', ...read, ...(badJson(call) ?? readQuestion(call.arguments)) };
      }
      const tool = byName.get(call.name);
      if (!tool) return { kind: 'server', offered: false, ...read };
      const { may_repeat } = callPolicy(tool, call.arguments);
      return {
        kind: 'server',
        offered: true,
        ...read,
        may_repeat,
        needs_approval: needsApproval(spec, tool, call.arguments),
      };
    },
  };
}

function badJson(call: ModelCall): { error: string } | undefined {
  if (call.invalid === undefined) return undefined;
  return { error: `The arguments of ${call.name} are not a JSON object.` };
}
