import type { Tool as ServerTool, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { ToolConfig } from '../../config.ts';
import type { Log } from '../../log.ts';
import { type ArgumentsCheck, argumentsCheck } from '../check-arguments.ts';
import type { Tool, ToolHints } from '../tool.ts';
import { errorText } from './error-text.ts';
import { runCall } from './run-call.ts';
import type { McpServer } from './server.ts';

/** A server's tool under its name here. What the configuration says of its side effects wins over its own hints. */
export function mcpTool(server: McpServer, listed: ServerTool, config: ToolConfig | undefined, log: Log): Tool {
  const hints = toolHints(listed.annotations);
  const target = {
    name: `${server.name}/${listed.name}`,
    tool: listed.name,
    may_repeat: config?.side_effects === undefined ? hints.read_only || hints.idempotent : !config.side_effects,
    timeout_s: config?.timeout_s ?? server.config.timeout_s,
  };
  let check: ArgumentsCheck | undefined;
  return {
    name: target.name,
    kind: 'command' in server.config ? 'mcp_stdio' : 'mcp_http',
    description: listed.description ?? listed.title ?? '',
    parameters: listed.inputSchema,
    may_repeat: target.may_repeat,
    needs_approval_hint: hints.destructive || !hints.read_only,
    timeout_s: target.timeout_s,
    execute: async (args, context) => {
      check ??= checkFor(target.name, listed.inputSchema, log);
      const invalid = check(args);
      if (invalid !== undefined) return { status: 'error', output: invalid };
      return await runCall(server, target, args, context);
    },
  };
}

/**
 * What a tool says of itself, with the specification's defaults for what it does not say: it changes things, destroys them,
 * and twice is not once.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations
 */
export function toolHints(annotations: ToolAnnotations = {}): ToolHints {
  const read_only = annotations.readOnlyHint ?? false;
  return {
    read_only,
    idempotent: annotations.idempotentHint ?? false,
    destructive: annotations.destructiveHint ?? !read_only,
  };
}

/** A schema that cannot be understood here leaves the check to the server, which has to make it anyway. */
function checkFor(name: string, schema: Record<string, unknown>, log: Log): ArgumentsCheck {
  try {
    return argumentsCheck(name, schema);
  } catch (error) {
    log.warn(
      { tool: name, reason: errorText(error) },
      'the arguments of a tool are not checked: its schema is not understood',
    );
    return () => undefined;
  }
}
