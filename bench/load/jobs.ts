/** What the load process can be asked to do. Times are milliseconds. */
export type Jobs = {
  /** Starts the model provider; the same one when asked again. */
  provider(args: object): Promise<{ url: string }>;
  /** One-turn runs, each from its POST to `run.completed` at this client, `concurrency` at a time. */
  runs(args: { url: string; key: string; count: number; concurrency: number }): Promise<Timed>;
  /** Bare workflows, each from its start to its result at this client. */
  bare(args: { address: string; taskQueue: string; count: number; concurrency: number }): Promise<Timed>;
  /** Runs whose model sends a chunk every `everyMs`: each chunk's way from the provider's socket to a reader's. */
  deltas(args: {
    url: string;
    key: string;
    runs: number;
    chunks: number;
    everyMs: number;
  }): Promise<{ delays: number[] }>;
};

export type Timed = {
  latencies: number[];
  /** From the first start to the last end. */
  elapsed: number;
  /** Of the last one: its run or workflow id. */
  lastId: string;
};
