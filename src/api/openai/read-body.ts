/** Parts that several bodies share, as the core takes them. What is not built is refused by name, never left out in silence. */
import type { ContentPart } from '../../models/types.ts';
import type { FunctionTool, NewMessage } from '../../runs/types.ts';
import { invalidValue } from './refusals.ts';
import type { CreateMessage, MessagePart, Tool, ToolResources } from './schema/bodies.ts';

/** `path` is the field's own. Errors: refused for `code_interpreter` and `file_search`, and for two functions of one name. */
export function readTools(tools: Tool[], path = 'tools'): FunctionTool['function'][] {
  const names = new Set<string>();
  return tools.map((tool, i) => {
    if (tool.type !== 'function') throw unsupported(`The tool '${tool.type}'`, `${path}[${i}].type`);
    const { strict, ...own } = tool.function;
    if (names.has(own.name)) throw invalidValue(`${path}[${i}].function.name`, `Two tools are named '${own.name}'.`);
    names.add(own.name);
    return strict == null ? own : { ...own, strict };
  });
}

/** Errors: refused when they name any file or store. */
export function refuseToolResources(resources: ToolResources | undefined, path = 'tool_resources'): void {
  for (const [tool, given] of Object.entries(resources ?? {})) {
    if (holdsAnything(given)) throw unsupported(`The tool '${tool}'`, `${path}.${tool}`);
  }
}

/** Whether there is anything below but empty lists and objects. */
const holdsAnything = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.values(value).some(holdsAnything) : value != null;

export const readMetadata = (metadata: Record<string, string> | null | undefined): Record<string, string> =>
  metadata ?? {};

export const readMessages = (messages: CreateMessage[] | null | undefined, path: string): NewMessage[] =>
  (messages ?? []).map((message, i) => readMessage(message, `${path}[${i}].`));

/** Errors: refused for attachments and for images that are files. */
export function readMessage({ role, content, attachments, metadata }: CreateMessage, path = ''): NewMessage {
  if (attachments && attachments.length > 0) throw unsupported('Attaching files', `${path}attachments`);
  return {
    role,
    content: typeof content === 'string' ? content : content.map((part, i) => readPart(part, `${path}content[${i}]`)),
    metadata: readMetadata(metadata),
  };
}

function readPart(part: MessagePart, path: string): ContentPart {
  if (part.type === 'image_file') throw unsupported("Content of type 'image_file'", `${path}.type`);
  return part;
}

const unsupported = (what: string, param: string) => invalidValue(param, `${what} is not supported by this server.`);
