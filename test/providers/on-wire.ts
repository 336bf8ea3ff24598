/** A whole Holdfast whose routes lead to a server that speaks the providers' wires, and what the tests here do with it. */
import { expect } from 'vitest';
import type { RouteConfig } from '../../src/models/types.ts';
import { checkHistory, eventsToEnd, eventsUntil, type SeenEvent } from '../support/events.ts';
import { openStack, type Stack, type StackOptions } from '../support/stack.ts';
import { startWire, type WireServer } from '../wire/server.ts';

export type Details = Record<string, unknown> & { run_id: string; thread_id: string; status: string };

export type OnWire = {
  wire: WireServer;
  stack: Stack;
  /** Creates a run on a thread of its own, or on `thread_id`; gives its id. */
  run(body: Record<string, unknown>, thread_id?: string): Promise<string>;
  /** Follows the run to its end and checks that its history is whole and says what the run's status says. */
  finish(runId: string): Promise<SeenEvent[]>;
  until(runId: string, type: string): Promise<SeenEvent>;
  details(runId: string): Promise<Details>;
  /** Answers a request of the run; the answer must be taken. */
  answer(runId: string, body: Record<string, unknown>): Promise<void>;
  close(): Promise<void>;
};

/** Opens a wire server and a stack with the routes that `routes` makes of the server's address. */
export async function openOnWire(
  routes: (url: string) => RouteConfig[],
  options: Omit<StackOptions, 'routes'> = {},
): Promise<OnWire> {
  const wire = await startWire();
  const stack = await openStack({ ...options, routes: routes(wire.url) });
  return {
    wire,
    ...onStack(stack),
    async close() {
      await stack.close();
      await wire.close();
    },
  };
}

/** The same on a stack that is opened elsewhere. */
export function onStack(stack: Stack): Omit<OnWire, 'wire' | 'close'> {
  const details = async (runId: string) => (await ok(stack.send('GET', `/v1/runs/${runId}`), 200)) as Details;
  return {
    stack,
    details,
    async run(body, thread_id) {
      const path = thread_id === undefined ? '/v1/runs' : `/v1/threads/${thread_id}/runs`;
      return ((await ok(stack.send('POST', path, { body }), 201)) as { run_id: string }).run_id;
    },
    async finish(runId) {
      const events = await eventsToEnd(stack, runId);
      checkHistory(events);
      const { status, last_seq } = await details(runId);
      expect({ status: `run.${status}`, last_seq }).toEqual({ status: events.at(-1)?.type, last_seq: events.length });
      return events;
    },
    async until(runId, type) {
      return (await eventsUntil(stack, runId, (event) => event.type === type)).at(-1) as SeenEvent;
    },
    async answer(runId, body) {
      await ok(stack.send('POST', `/v1/runs/${runId}/input`, { body }), 200);
    },
  };
}

async function ok(sent: Promise<Response>, status: number): Promise<unknown> {
  const response = await sent;
  const text = await response.text();
  if (response.status !== status) throw new Error(`expected ${status}: ${response.status} ${text}`);
  return JSON.parse(text);
}

export const ofType = (events: SeenEvent[], type: string) => events.filter((event) => event.type === type);

/** What the events of a type said together. */
export const textOf = (events: SeenEvent[], type = 'message.delta') =>
  ofType(events, type)
    .map((event) => event.data.content)
    .join('');
