import { RoundRobin } from '../round-robin.ts';

type Waiting = { org_id: string };

/** Work done a few at a time, taken from each organisation in turn; what waits is bounded. */
export class Lane<Item extends Waiting> {
  readonly #waiting = new RoundRobin<Item>();
  readonly #options: LaneOptions<Item>;
  #working = 0;

  constructor(options: LaneOptions<Item>) {
    this.#options = options;
  }

  /** Takes an item. Where too many wait, the newest of the organisation that has the most is turned away. */
  push(item: Item): void {
    this.#waiting.push(item.org_id, item);
    if (this.#waiting.size > this.#options.maxWaiting) {
      const dropped = this.#waiting.dropNewest();
      if (dropped) this.#options.turnedAway(dropped);
    }
    this.#next();
  }

  #next(): void {
    while (this.#working < this.#options.atATime) {
      const item = this.#waiting.shift();
      if (!item) return;
      this.#working++;
      void this.#options.work(item).finally(() => {
        this.#working--;
        this.#next();
      });
    }
  }
}

type LaneOptions<Item> = {
  atATime: number;
  maxWaiting: number;
  /** Must not throw. */
  work: (item: Item) => Promise<void>;
  turnedAway: (item: Item) => void;
};
