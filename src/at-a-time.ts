/** Does the work of every item, the first ones first and at most `limit` at the same time. Fails with the first that fails. */
export async function eachAtATime<Item>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  // One iterator: whoever is free takes the next.
  const left = Iterator.from(items);
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
