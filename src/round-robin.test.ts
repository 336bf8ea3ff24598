import { expect, it } from 'vitest';
import { RoundRobin } from './round-robin.ts';

function queueOf(items: string[]): RoundRobin<string> {
  const queue = new RoundRobin<string>();
  for (const item of items) queue.push(item.charAt(0), item);
  return queue;
}

function drain(queue: RoundRobin<string>): string[] {
  const items: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
}

it('serves each tenant in turn, and the items of one in their order', () => {
  expect(drain(queueOf(['a1', 'a2', 'a3', 'b1', 'c1', 'c2']))).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
});

it('serves one that comes late after each of the others once', () => {
  const queue = queueOf(['a1', 'a2', 'a3', 'b1', 'b2']);
  expect(queue.shift()).toBe('a1');
  queue.push('c', 'c1');
  expect(drain(queue)).toEqual(['b1', 'a2', 'c1', 'b2', 'a3']);
});

it('forgets what is taken out', () => {
  const queue = queueOf(['a1', 'a2', 'b1']);
  queue.delete('a', 'a1');
  queue.delete('b', 'b1');
  queue.delete('b', 'b1');
  expect(queue.size).toBe(1);
  expect(drain(queue)).toEqual(['a2']);
});

it('makes room at the cost of the tenant that has the most', () => {
  const queue = queueOf(['a1', 'b1', 'b2', 'c1']);
  expect(queue.dropNewest()).toBe('b2');
  expect(queue.size).toBe(3);
  expect(drain(queue)).toEqual(['a1', 'b1', 'c1']);
  expect(queue.dropNewest()).toBeUndefined();
});
