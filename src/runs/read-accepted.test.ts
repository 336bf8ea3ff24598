import { expect, it } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { readAccepted } from './read-accepted.ts';

const away = () => Promise.reject(new HoldfastError('journal.unavailable', 'It is away.', { retryAfterS: 7 }));

it('waits for a journal that comes back', async () => {
  let reads = 0;
  expect(await readAccepted(() => (++reads === 3 ? Promise.resolve('read') : away()))).toBe('read');
});

it('never says of what was written that nothing was', async () => {
  const refused = readAccepted(away);
  await expect(refused).rejects.toMatchObject({ code: 'journal.outcome_unknown', retryAfterS: 7 });
  await expect(refused).rejects.toThrow('It was accepted');
});

it('tells any other error as it is', async () => {
  const gone = new HoldfastError('runs.not_found', 'No run.');
  await expect(readAccepted(() => Promise.reject(gone))).rejects.toBe(gone);
});
