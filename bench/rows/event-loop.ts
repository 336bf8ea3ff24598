const P99 = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m;
/** The figure is the time from one firing of a timer to its next, which is this when the loop is never late. */
const TIMER_MS = 10;

/** How late the server's event loop was, p99, since it was last asked. */
export async function eventLoopP99Ms(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const seconds = P99.exec(text)?.[1];
  if (seconds === undefined) throw new Error(`no event loop lag among the metrics of ${url}`);
  return Math.max(0, Number(seconds) * 1_000 - TIMER_MS);
}
