import type { EventEmitter } from 'node:events';

/** Hears of `name` until the function that it gives is called. */
export function subscribe<T>(emitter: EventEmitter, name: string, listener: (value: T) => void): () => void {
  emitter.on(name, listener);
  return () => void emitter.off(name, listener);
}
