/** Tools that the client runs, and questions to a person: their results are in the right place of the next request. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsUntil, type SeenEvent, story } from '../support/events.ts';
import { WIRES, wireRoute } from '../wire/collect.ts';
import { type OnWire, ofType, openOnWire } from './on-wire.ts';
import { callIds, offered, resultIds, said, transcript } from './transcript.ts';

type ToolCall = { call_id: string; name: string; arguments: unknown };

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const weather = { type: 'function', function: { name: 'weather', description: 'The weather of a city.', parameters } };

let on: OnWire;
beforeAll(async () => {
  on = await openOnWire((url) => WIRES.map((wire) => wireRoute(wire, url)));
});
afterAll(async () => {
  await on.close();
});

const lastRequest = () => {
  const request = on.wire.requests.at(-1);
  if (!request) throw new Error('nothing was asked');
  return request;
};

describe.each(WIRES)('tools on the %s wire', (wire) => {
  it('hands parallel calls to the client in one request and their outputs back in the order of the calls', async () => {
    const city = (name: string) => ({ name: 'weather', arguments: { city: name } });
    on.wire.script(wire, [{ text: ['Looking.'], toolCalls: [city('Oslo'), city('Bern')] }, { text: ['Cold.'] }]);
    const id = await on.run({ route_id: wire, input: 'How is it?', tools: [weather], instructions: 'Be brief.' });
    const waiting = await on.until(id, 'run.waiting_for_input');
    expect(offered(lastRequest())).toContain('weather');
    expect(waiting.data).toMatchObject({ kind: 'tool_outputs' });
    const calls = waiting.data.tool_calls as ToolCall[];
    expect(calls.map((call) => call.arguments)).toEqual([{ city: 'Oslo' }, { city: 'Bern' }]);

    const outputs = calls.map((call, i) => ({ call_id: call.call_id, output: ['snow', 'rain'][i] }));
    await on.answer(id, { request_id: waiting.data.request_id, tool_outputs: outputs.toReversed() });
    const events = await on.finish(id);
    expect(story(events)).toEqual([
      'run.started',
      'turn.started',
      'message.delta',
      'message.completed',
      'tool.call',
      'tool.call',
      'run.waiting_for_input',
      'run.input_received',
      'tool.result',
      'tool.result',
      'turn.started',
      'message.delta',
      'message.completed',
      'run.completed',
    ]);
    const lines = transcript(lastRequest());
    expect(said(lines)).toEqual([
      'system Be brief.',
      'user How is it?',
      'assistant Looking.',
      'call weather {"city":"Oslo"}',
      'call weather {"city":"Bern"}',
      'result snow',
      'result rain',
    ]);
    expect(resultIds(lines)).toEqual(callIds(lines));
    expect(new Set(callIds(lines)).size).toBe(2);
    expect(ofType(events, 'message.completed')[0]?.data).toMatchObject({ finish_reason: 'tool_calls' });
  });

  it('asks a person and a client of the same turn at once, and goes on when both have answered', async () => {
    on.wire.script(wire, [
      {
        toolCalls: [
          { name: 'weather', arguments: { city: 'Rome' } },
          { name: 'ask_user', arguments: { question: 'Inside or outside?', options: ['inside', 'outside'] } },
        ],
      },
      { text: ['Take a hat.'] },
    ]);
    const id = await on.run({ route_id: wire, input: 'Plan.', tools: [weather, 'ask_user'] });
    await on.until(id, 'run.waiting_for_input');
    const pending = (await on.details(id)).pending_inputs as {
      request_id: string;
      kind: string;
      tool_calls: ToolCall[];
    }[];
    expect(pending.map((it) => it.kind).toSorted()).toEqual(['question', 'tool_outputs']);
    const refused = await on.stack.send('POST', `/v1/runs/${id}/input`, { body: { content: 'outside' } });
    expect(refused.status).toBe(409);
    for (const { kind, request_id, tool_calls } of pending) {
      const answer =
        kind === 'question'
          ? { content: 'outside' }
          : { tool_outputs: tool_calls.map(({ call_id }) => ({ call_id, output: 'sun' })) };
      await on.answer(id, { request_id, ...answer });
    }
    const events = await on.finish(id);
    expect(events.at(-1)?.data.output).toBe('Take a hat.');
    const lines = transcript(lastRequest());
    expect(said(lines).slice(-4)).toEqual([
      'call weather {"city":"Rome"}',
      'call ask_user {"question":"Inside or outside?","options":["inside","outside"]}',
      'result sun',
      'result outside',
    ]);
    expect(resultIds(lines)).toEqual(callIds(lines));
  });

  it('tells the model at once when its arguments are no JSON, asks nobody, and goes on', async () => {
    on.wire.script(wire, [{ toolCalls: [{ name: 'weather', arguments: '{"city": Oslo' }] }, { text: ['Sorry.'] }]);
    const before = on.wire.requests.length;
    const events = await on.finish(await on.run({ route_id: wire, input: 'x', tools: [weather] }));
    expect(ofType(events, 'tool.result')[0]?.data).toMatchObject({ status: 'error', name: 'weather' });
    expect(ofType(events, 'run.waiting_for_input')).toEqual([]);
    expect(on.wire.requests.length - before).toBe(2);
    expect(said(transcript(lastRequest())).at(-1)).toMatch(/^result .*JSON/);
  });

  it('tells the model that a tool it made up does not exist', async () => {
    on.wire.script(wire, [{ toolCalls: [{ name: 'rm_rf', arguments: {} }] }, { text: ['Then not.'] }]);
    const events = await on.finish(await on.run({ route_id: wire, input: 'x', tools: [weather] }));
    expect(ofType(events, 'tool.result')[0]?.data).toMatchObject({ status: 'error', name: 'rm_rf' });
    expect(events.at(-1)?.data.output).toBe('Then not.');
  });

  it('keeps calls and results of several turns in order', async () => {
    on.wire.script(wire, (_, index) =>
      index < 3 ? { toolCalls: [{ name: 'weather', arguments: { city: `c${index}` } }] } : { text: ['Done.'] },
    );
    const id = await on.run({ route_id: wire, input: 'Go round.', tools: [weather] });
    let seen = 0;
    for (let turn = 0; turn < 3; turn++) {
      const events = await waitingAfter(id, seen);
      seen = events.seq;
      const [call] = events.data.tool_calls as ToolCall[];
      await on.answer(id, { tool_outputs: [{ call_id: call?.call_id, output: `r${turn}` }] });
    }
    await on.finish(id);
    expect(said(transcript(lastRequest())).slice(1)).toEqual([
      'user Go round.',
      ...[0, 1, 2].flatMap((n) => [`call weather {"city":"c${n}"}`, `result r${n}`]),
    ]);
  });
});

async function waitingAfter(runId: string, seq: number) {
  const events = await eventsUntil(on.stack, runId, (event) => event.type === 'run.waiting_for_input', seq);
  return events.at(-1) as SeenEvent;
}
