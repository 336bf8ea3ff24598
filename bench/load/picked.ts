/** Takes `count` of the items out of their list, at random. */
export function picked<Item>(items: Item[], count: number): Item[] {
  if (items.length < count) throw new Error(`${count} of ${items.length} cannot be picked`);
  return Array.from({ length: count }, () => {
    const [item] = items.splice(Math.floor(Math.random() * items.length), 1);
    return item as Item;
  });
}
