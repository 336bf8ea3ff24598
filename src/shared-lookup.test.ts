import { expect, it } from 'vitest';
import { SharedLookup } from './shared-lookup.ts';

/** Looks that end when they are told to. */
function looks() {
  const begun: PromiseWithResolvers<number>[] = [];
  const look = () => {
    const one = Promise.withResolvers<number>();
    begun.push(one);
    return one.promise;
  };
  const end = (i: number) => begun[i]?.resolve(i);
  return { begun, look, end };
}

it('all who ask while a look is under way share the next, which begins after they asked', async () => {
  const shared = new SharedLookup<number>();
  const { begun, look, end } = looks();
  const first = shared.get('a', look);
  const later = [shared.get('a', look), shared.get('a', look)];
  expect(begun).toHaveLength(1);
  end(0);
  expect(await first).toBe(0);
  expect(begun).toHaveLength(2);
  const last = shared.get('a', look);
  end(1);
  expect(await Promise.all(later)).toEqual([1, 1]);
  expect(begun).toHaveLength(3);
  end(2);
  expect(await last).toBe(2);
});

it('what is asked apart, of another key or later, is looked at apart', async () => {
  const shared = new SharedLookup<number>();
  const { begun, look, end } = looks();
  const answers = [shared.get('a', look), shared.get('b', look)];
  end(0);
  end(1);
  expect(await Promise.all(answers)).toEqual([0, 1]);
  const again = shared.get('a', look);
  expect(begun).toHaveLength(3);
  end(2);
  expect(await again).toBe(2);
});

it('a look that fails fails for who shared it, and for nobody after', async () => {
  const shared = new SharedLookup<number>();
  const { begun, look, end } = looks();
  const first = shared.get('a', look);
  const second = shared.get('a', look);
  begun[0]?.reject(new Error('away'));
  await expect(first).rejects.toThrow('away');
  end(1);
  expect(await second).toBe(1);
});
