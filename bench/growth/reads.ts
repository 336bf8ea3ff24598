/** What is read of a grown store, each time of another place in it. */
import type { Filled } from './fill.ts';

/** `waiting` is a run that waits for a person: one that has not ended, beside all that have. */
export type Read = { what: string; path(store: Filled, waiting: string): string };

const anySlot = ({ runs }: Filled) => Math.floor(Math.random() * runs);
const anyRun = (store: Filled) => store.runIdAt(anySlot(store));
const anyThread = (store: Filled) => store.threadIdAt(anySlot(store));
/** Somewhere behind the middle: of every kind of run more than a page is older, at every size. */
const deep = (store: Filled) => store.runIdAt(Math.floor(store.runs * (0.55 + Math.random() / 4)));

const LIST = '/v1/runs?limit=50';

export const READS: readonly Read[] = [
  { what: 'list', path: () => LIST },
  { what: 'list, deep', path: (store) => `${LIST}&before=${deep(store)}` },
  { what: 'list by status', path: () => `${LIST}&status=failed` },
  { what: 'list by status, deep', path: (store) => `${LIST}&status=completed&before=${deep(store)}` },
  { what: 'list by thread', path: (store) => `${LIST}&thread_id=${anyThread(store)}` },
  { what: 'list by model', path: () => `${LIST}&model=demo` },
  { what: 'list by persona, deep', path: (store) => `${LIST}&persona_id=tools&before=${deep(store)}` },
  { what: "list of a run's children, none", path: (store) => `${LIST}&parent_run_id=${anyRun(store)}` },
  { what: "list of a thread's runs", path: (store) => `/v1/threads/${anyThread(store)}/runs` },
  { what: "list of a thread's messages", path: (store) => `/v1/threads/${anyThread(store)}/messages` },
  { what: 'list of threads', path: () => '/v1/threads' },
  { what: 'list of open requests', path: () => '/v1/inputs' },
  { what: 'details', path: (store) => `/v1/runs/${anyRun(store)}` },
  { what: 'details, active', path: (_, waiting) => `/v1/runs/${waiting}` },
  { what: 'events', path: (store) => `/v1/runs/${anyRun(store)}/events?follow=false` },
  // What finds nothing must not look everywhere.
  { what: 'list by status, none', path: () => `${LIST}&status=cancelled` },
  { what: 'list by model, none', path: () => `${LIST}&model=other` },
  { what: 'list by persona, none', path: () => `${LIST}&persona_id=other` },
  { what: 'list since, none', path: () => `${LIST}&since=2100-01-01T00:00:00Z` },
  { what: 'list until, none', path: () => `${LIST}&until=2000-01-01T00:00:00Z` },
];
