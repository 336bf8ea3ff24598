import { expect, it } from 'vitest';
import { allAnswered } from './all-answered.ts';

it('of two errors the first statement’s is told, whichever is heard of first', async () => {
  const first = Promise.withResolvers<never>();
  const second = Promise.reject(new Error('the transaction is aborted'));
  const both = allAnswered([first.promise, second]);
  setImmediate(() => first.reject(new Error('the row was not had')));
  await expect(both).rejects.toThrow('the row was not had');
});

it('without errors each answer is at its place', async () => {
  const first = Promise.withResolvers<string>();
  const both = allAnswered([first.promise, Promise.resolve(2)]);
  setImmediate(() => first.resolve('one'));
  expect(await both).toEqual(['one', 2]);
});
