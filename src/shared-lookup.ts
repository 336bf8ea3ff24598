/**
 * One look for all who ask at once. Who asks while a look is under way shares the next one, which begins after they asked: nobody is
 * told what was true before. So a flood of one caller's requests costs two looks at a time, not one each.
 */
export class SharedLookup<T> {
  readonly #looks = new Map<string, { now: Promise<T>; next: Promise<T> | undefined }>();

  /** What `look` gives, or throws, in a call of it that began after this one. `look` must be the same for one key. */
  get(key: string, look: () => Promise<T>): Promise<T> {
    const under = this.#looks.get(key);
    if (!under) return this.#begin(key, look);
    under.next ??= under.now.then(
      () => this.#begin(key, look),
      () => this.#begin(key, look),
    );
    return under.next;
  }

  #begin(key: string, look: () => Promise<T>): Promise<T> {
    const now = look();
    const entry = { now, next: undefined };
    this.#looks.set(key, entry);
    const end = () => {
      if (this.#looks.get(key)?.next === undefined) this.#looks.delete(key);
    };
    now.then(end, end);
    return now;
  }
}
