/**
 * Loaded into the server before anything else (`--import`), and so into each of its threads: the thread of the SQLite writer gets
 * its transactions by way of `counted-transactions.ts`, the main thread on PostgreSQL by way of `counted-on-postgres.ts`. The product
 * itself knows nothing of it.
 */
import { registerHooks } from 'node:module';

const REPLACED = [
  new URL('../../../src/journal/transactions/index.ts', import.meta.url).href,
  new URL('../../../src/journal/sqlite/append-deltas.ts', import.meta.url).href,
];
/** Who runs transactions, and what it gets in their place. */
const COUNTED = new Map([
  [
    new URL('../../../src/journal/sqlite/writer.ts', import.meta.url).href,
    new URL('./counted-transactions.ts', import.meta.url).href,
  ],
  [
    new URL('../../../src/journal/postgres/transact.ts', import.meta.url).href,
    new URL('./counted-on-postgres.ts', import.meta.url).href,
  ],
]);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const counted = REPLACED.includes(resolved.url) ? COUNTED.get(context.parentURL ?? '') : undefined;
    return counted === undefined ? resolved : { ...resolved, url: counted };
  },
});
