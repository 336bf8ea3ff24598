/** Every migration in order. A released one never changes: what follows it is a file of its own. */
import type { Migration } from 'kysely/migration';
import * as initial from './0001-initial.ts';
import * as agents from './0002-agents.ts';
import * as messageEnds from './0003-message-ends.ts';
import * as aliases from './0004-aliases.ts';
import * as operations from './0005-operations.ts';

export const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-agents': agents,
  '0003-message-ends': messageEnds,
  '0004-aliases': aliases,
  '0005-operations': operations,
};
