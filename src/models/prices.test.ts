import { expect, it } from 'vitest';
import { costUsd } from './prices.ts';
import { describeRoute } from './routes.ts';
import type { Price } from './types.ts';

const priced = (price?: Price) => describeRoute({ id: 'r', provider: 'demo', price });
const usage = {
  input_tokens: 1_000_000,
  cached_input_tokens: 400_000,
  output_tokens: 500_000,
  reasoning_tokens: 100_000,
};

it('input, cached input and output have their own prices; reasoning is output', () => {
  expect(costUsd(priced({ input: 0.25, cached_input: 0.025, output: 2 }), usage)).toBeCloseTo(0.15 + 0.01 + 1, 10);
});

it('cached input costs as much as input where it has no price', () => {
  expect(costUsd(priced({ input: 0.25, output: 2 }), usage)).toBeCloseTo(1.25, 10);
});

it('a route without a price has no cost, not a cost of 0', () => {
  expect(costUsd(priced(), usage)).toBeNull();
  expect(costUsd(priced({ input: 0, output: 0 }), usage)).toBe(0);
});
