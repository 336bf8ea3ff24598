import { expect, it } from 'vitest';
import { Slots } from './slots.ts';

it('a slot goes to each tenant in turn, whoever came first', async () => {
  const slots = new Slots(1);
  const { signal } = new AbortController();
  await slots.take(signal, 'many');
  const order: string[] = [];
  const wait = async (tenant: string) => {
    await slots.take(signal, tenant);
    order.push(tenant);
    slots.release();
  };
  const waiting = ['many', 'many', 'many', 'one'].map(wait);
  slots.release();
  await Promise.all(waiting);
  expect(order).toEqual(['many', 'one', 'many', 'many']);
});
