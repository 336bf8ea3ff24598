/** The names by which tools are configured: a tool of Holdfast's own, `server/tool`, or `server/*`. */
import type { FileConfig } from '../config.ts';
import { invalidField } from '../runs/invalid-field.ts';
import { ASK_USER } from './ask-user.ts';
import { HTTP_REQUEST } from './http-request.ts';
import { RUN_AGENT } from './run-agent.ts';
import { WAIT } from './wait.ts';

/** Errors: `validation.failed` naming the tool that no configuration knows, and those that there are. */
export function checkToolNames(names: string[], file: Pick<FileConfig, 'mcp' | 'tools'>, path: string): void {
  const builtIn = [ASK_USER, RUN_AGENT, WAIT, ...(file.tools[HTTP_REQUEST]?.hosts?.length ? [HTTP_REQUEST] : [])];
  const servers = Object.keys(file.mcp);
  names.forEach((name, i) => {
    const server = /^([^/]+)\/.+$/.exec(name)?.[1];
    if (builtIn.includes(name) || (server !== undefined && servers.includes(server))) return;
    const known = [...builtIn, ...servers.map((id) => `${id}/*`)].join(', ');
    throw invalidField(`${path}.${i}`, `No tool ${name} is configured. There are: ${known}.`);
  });
}
