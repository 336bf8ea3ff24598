import type { TransactionName } from '../../src/journal/transactions/index.ts';
import type { Stack } from './stack.ts';

/** Makes the journal fail at its next transaction of that name, once, in a way that no step expects. */
export function failNext(stack: Stack, failing: TransactionName, message = 'told to fail'): void {
  const write = stack.journal.write;
  stack.journal.write = (name, args) => {
    if (name !== failing) return write(name, args);
    stack.journal.write = write;
    return Promise.reject(new Error(message));
  };
}
