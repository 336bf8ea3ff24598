/**
 * Loaded into the server before anything else (`--import`), and so into each of its threads: the thread of the SQLite writer gets
 * its transactions by way of `counted-transactions.ts`. The product itself knows nothing of it.
 */
import { registerHooks } from 'node:module';

const WRITER = new URL('../../../src/journal/sqlite/writer.ts', import.meta.url).href;
const TRANSACTIONS = new URL('../../../src/journal/transactions/index.ts', import.meta.url).href;
const COUNTED = new URL('./counted-transactions.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const isWriters = resolved.url === TRANSACTIONS && context.parentURL === WRITER;
    return isWriters ? { ...resolved, url: COUNTED } : resolved;
  },
});
