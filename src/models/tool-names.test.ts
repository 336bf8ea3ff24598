import { expect, it } from 'vitest';
import { say } from '../../test/wire/collect.ts';
import { mapToolNames } from './tool-names.ts';

const namesOf = (...names: string[]) =>
  mapToolNames(say('x', { tools: names.map((name) => ({ name, description: '', parameters: {} })) }));

it('names that providers accept stay as they are', () => {
  const names = namesOf('ask_user', 'get-weather');
  expect(names.toWire('ask_user')).toBe('ask_user');
  expect(names.toWire('get-weather')).toBe('get-weather');
});

it('every name becomes acceptable, distinct, and comes back', () => {
  const all = [
    'files/read',
    'files_read',
    'files.read',
    'files read',
    `long/${'x'.repeat(90)}`,
    `long_${'x'.repeat(90)}`,
    'überall',
    '',
  ];
  const names = namesOf(...all);
  const wired = all.map(names.toWire);
  for (const wire of wired) expect(wire).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  expect(new Set(wired).size).toBe(all.length);
  expect(wired.map(names.fromWire)).toEqual(all);
  expect(names.toWire('files_read')).toBe('files_read');
});

it('a tool called earlier and no longer offered keeps a name of its own', () => {
  const names = mapToolNames({
    system: '',
    messages: [{ role: 'assistant', content: '', tool_calls: [{ call_id: 'c', name: 'old/tool', arguments: {} }] }],
    tools: [{ name: 'old_tool', description: '', parameters: {} }],
  });
  expect(names.toWire('old/tool')).not.toBe('old_tool');
  expect(names.fromWire(names.toWire('old/tool'))).toBe('old/tool');
});

it('a name the model made up comes back as it is', () => {
  expect(namesOf('files/read').fromWire('invented')).toBe('invented');
});
