/** Work that is awaited later: its failure is thrown there, and counts as handled until then. */
export function heldBack<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
