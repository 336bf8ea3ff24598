/** Every tool a run may be offered: Holdfast's own, those of MCP servers, and the functions its client runs itself. */
import type { FileConfig } from '../config.ts';
import type { TurnCall } from '../journal/open-calls.ts';
import type { RunSpec } from '../journal/run-row.ts';
import type { Log } from '../log.ts';
import type { ModelPart, ToolSpec } from '../models/types.ts';
import { needsApproval } from './approval.ts';
import { askUserTool, readQuestion } from './ask-user.ts';
import { HTTP_REQUEST, httpRequestTool } from './http-request.ts';
import { openMcp } from './mcp/open-mcp.ts';
import { checkTask, RUN_AGENT, runAgentTool } from './run-agent.ts';
import { callPolicy, type Tool } from './tool.ts';
import { readWait, WAIT, waitTool } from './wait.ts';

/**
 * A call that may be repeated and whose tool has no more time than this is brief. It holds its run's workflow task, whose timeout is 3 s:
 * with the journal's part it must be over before Temporal is told that the task takes longer.
 */
const MAX_BRIEF_S = 2;

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
  /** The tool a call names; undefined when it is not, or no longer, configured. Rejects as `McpTools.find`. */
  find(name: string, signal: AbortSignal): Promise<Tool | undefined>;
  close(): Promise<void>;
};

/** Opens the configured tools. No server is started before its first use. */
export function openToolbox(file: Pick<FileConfig, 'mcp' | 'tools'>, log: Log): Toolbox {
  const mcp = openMcp(file.mcp, file.tools, log);
  const { hosts = [], timeout_s, side_effects } = file.tools[HTTP_REQUEST] ?? {};
  const http = httpRequestTool(hosts, { timeoutS: timeout_s, sideEffects: side_effects });
  return {
    async offer(spec) {
      const listed = await mcp.list(spec.tools);
      for (const { server, message } of listed.unavailable) log.warn({ server, message }, 'tools are not offered');
      const tools = [...(http && spec.tools.includes(HTTP_REQUEST) ? [http] : []), ...listed.tools];
      return createOffer(spec, tools);
    },
    find: async (name, signal) => (name === HTTP_REQUEST ? http : await mcp.find(name, signal)),
    close: () => mcp.close(),
  };
}

function createOffer(spec: RunSpec, configured: Tool[]): Offer {
  // A function of the client's own takes the place of a tool that has its name.
  const taken = new Set(spec.client_tools.map((tool) => tool.name));
  const tools = configured.filter((tool) => !taken.has(tool.name));
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const own = OWN_TOOLS.filter((tool) => spec.tools.includes(tool.name) && !taken.has(tool.name));
  const client = spec.client_tools.map((tool) => ({
    name: tool.name,
    description: tool.description ?? '',
    parameters: tool.parameters ?? { type: 'object', properties: {} },
    ...(tool.strict === undefined ? {} : { strict: tool.strict }),
  }));
  return {
    specs: [
      ...own,
      ...tools.map(({ name, description, parameters }) => ({ name, description, parameters })),
      ...client,
    ],
    read(call) {
      const read = { name: call.name, arguments: call.arguments, ...badJson(call) };
      if (client.some((tool) => tool.name === call.name)) return { kind: 'client', ...read };
      if (own.some((tool) => tool.name === call.name)) return { ...read, ...readOwn(spec, call), ...badJson(call) };
      const tool = byName.get(call.name);
      if (!tool) return { kind: 'server', offered: false, ...read };
      const { may_repeat, needs_approval_hint } = callPolicy(tool, call.arguments);
      const needs_approval = needsApproval(spec, tool.name, needs_approval_hint);
      const brief = may_repeat && tool.timeout_s <= MAX_BRIEF_S;
      return { kind: 'server', offered: true, ...read, may_repeat, brief, needs_approval };
    },
  };
}

/** The tools that are no program: a person, another run, or time answers them. */
const OWN_TOOLS: ToolSpec[] = [askUserTool, runAgentTool, waitTool];

function readOwn(
  spec: RunSpec,
  call: ModelCall,
): Pick<TurnCall, 'kind' | 'error' | 'wait' | 'needs_approval' | 'may_repeat'> {
  switch (call.name) {
    case RUN_AGENT: {
      const needs_approval = needsApproval(spec, RUN_AGENT, false);
      // A call has one child, however often it is made.
      return { kind: 'agent', may_repeat: true, needs_approval, ...checkTask(call.arguments) };
    }
    case WAIT:
      return { kind: 'timer', ...readWait(call.arguments, Date.now()) };
    default:
      return { kind: 'ask_user', ...readQuestion(call.arguments) };
  }
}

function badJson(call: ModelCall): { error: string } | undefined {
  if (call.invalid === undefined) return undefined;
  return { error: `The arguments of ${call.name} are not a JSON object.` };
}
