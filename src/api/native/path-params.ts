import type { PathParam } from '../endpoint.ts';

const ID = /^[A-Za-z0-9_-]{1,128}$/;
const PERSONA = /^[^\s@/:\p{Cc}]{1,256}(@[1-9]\d{0,8})?$/u;

export const threadParam = {
  thread_id: { resource: 'threads', pattern: ID, description: 'Of a thread of your organisation' },
} satisfies Record<string, PathParam>;

export const runParam = {
  run_id: { resource: 'runs', pattern: ID, description: 'Of a run of your organisation' },
} satisfies Record<string, PathParam>;

export const personaParam = {
  persona: { resource: 'personas', pattern: PERSONA, description: '`key` for the newest version, or `key@version`' },
} satisfies Record<string, PathParam>;
