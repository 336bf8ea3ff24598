/** The names by which tools are configured: a tool of Holdfast's own, `server/tool`, or `server/*`. */
import type { FileConfig } from '../config.ts';
import { invalidField } from '../runs/invalid-field.ts';
import { ASK_USER } from './ask-user.ts';

const BUILT_IN: readonly string[] = [ASK_USER];

/** Errors: `validation.failed` naming the tool that no configuration knows, and those that there are. */
export function checkToolNames(names: string[], file: Pick<FileConfig, 'mcp'>, path: string): void {
  const servers = Object.keys(file.mcp);
  names.forEach((name, i) => {
    const server = /^([^/]+)\/.+$/.exec(name)?.[1];
    if (BUILT_IN.includes(name) || (server !== undefined && servers.includes(server))) return;
    const known = [...BUILT_IN, ...servers.map((id) => `${id}/*`)].join(', ');
    throw invalidField(`${path}.${i}`, `No tool ${name} is configured. There are: ${known}.`);
  });
}
