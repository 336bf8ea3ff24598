import { createHash } from 'node:crypto';
import type { ModelRequest } from './types.ts';

/** What OpenAI and Anthropic accept as a tool's name. */
const WIRE_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const WIRE_NAME_LIMIT = 64;
const HASH_LENGTH = 8;

/** Tool names as a provider may see them, and back. */
export type ToolNames = {
  toWire(name: string): string;
  /** A name the model made up comes back as it is. */
  fromWire(wireName: string): string;
};

/**
 * Maps every tool name of a request (offered, and called earlier) to one that providers accept: `files/read` is sent as
 * `files_read`. A name that is fine stays as it is; one that would collide or is too long gets a hash of itself appended.
 */
export function mapToolNames(request: ModelRequest): ToolNames {
  const names = new Set(request.tools.map((tool) => tool.name));
  for (const message of request.messages) {
    if (message.role === 'assistant') for (const call of message.tool_calls) names.add(call.name);
  }
  const wireByName = new Map<string, string>();
  const nameByWire = new Map<string, string>();
  const pair = (name: string, wire: string) => {
    wireByName.set(name, wire);
    nameByWire.set(wire, name);
  };
  const unfit = [...names].filter((name) => !WIRE_NAME.test(name));
  for (const name of names) if (WIRE_NAME.test(name)) pair(name, name);
  for (const name of unfit) {
    let wire = replaceUnfitCharacters(name);
    for (let salt = 0; !WIRE_NAME.test(wire) || nameByWire.has(wire); salt++) wire = withHash(name, salt);
    pair(name, wire);
  }
  return {
    toWire: (name) => wireByName.get(name) ?? withHash(name, 0),
    fromWire: (wireName) => nameByWire.get(wireName) ?? wireName,
  };
}

function replaceUnfitCharacters(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, '_');
}

function withHash(name: string, salt: number): string {
  const hash = createHash('sha256').update(`${salt}:${name}`).digest('hex').slice(0, HASH_LENGTH);
  return `${replaceUnfitCharacters(name).slice(0, WIRE_NAME_LIMIT - HASH_LENGTH - 1)}_${hash}`;
}
