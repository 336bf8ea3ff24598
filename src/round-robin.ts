/**
 * A queue that is served one tenant after the other: each takes its turn, in the order of its own items, so that who has put in a
 * thousand does not delay who has put in one.
 */
export class RoundRobin<Item> {
  /** In the order in which they are served next; none is empty. */
  readonly #queues = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(tenant: string, item: Item): void {
    const queue = this.#queues.get(tenant) ?? new Set();
    this.#queues.set(tenant, queue.add(item));
    this.#size++;
  }

  /** The first item of the tenant whose turn it is. */
  shift(): Item | undefined {
    for (const [tenant, queue] of this.#queues) {
      for (const item of queue) {
        this.delete(tenant, item);
        // Its next one waits until everybody else has had a turn.
        if (queue.size > 0) {
          this.#queues.delete(tenant);
          this.#queues.set(tenant, queue);
        }
        return item;
      }
    }
    return undefined;
  }

  /** Takes out an item that no longer wants its turn. */
  delete(tenant: string, item: Item): void {
    const queue = this.#queues.get(tenant);
    if (!queue?.delete(item)) return;
    this.#size--;
    if (queue.size === 0) this.#queues.delete(tenant);
  }

  /** Takes out the newest item of the tenant that has the most: who makes room for others. */
  dropNewest(): Item | undefined {
    let longest: [string, Set<Item>] | undefined;
    for (const entry of this.#queues) if (!longest || entry[1].size > longest[1].size) longest = entry;
    if (!longest) return undefined;
    const [tenant, queue] = longest;
    const newest = [...queue].at(-1) as Item;
    this.delete(tenant, newest);
    return newest;
  }
}
