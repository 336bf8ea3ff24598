/**
 * What a transaction's statements gave that were begun one right after the other, once all have their answer. A store on a connection
 * asks them in the order of their beginning, in one flight. Of their errors the first is the cause: the others failed with it.
 */
export async function allAnswered<T extends readonly unknown[]>(
  flight: {
    readonly [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  await Promise.allSettled(flight);
  return (await Promise.all(flight)) as unknown as T;
}
