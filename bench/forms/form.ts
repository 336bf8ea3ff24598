/** The two ways in which Holdfast is run, each measured beside bare workflows on the same Temporal server. */
export type Form = {
  name: 'embedded' | 'apart';
  /** Starts one with a directory or database of its own, unless it is given an earlier one's. Several may run beside each other. */
  start(options: StartOptions): Promise<Holdfast>;
  close(): Promise<void>;
};

export type StartOptions = {
  /** Of an earlier start, or prepared by a row: a data directory (embedded) or a database's address (apart). */
  store?: string;
  /** Added to each commit of the journal. */
  commitDelayMs?: number;
};

export type Holdfast = {
  url: string;
  key: string;
  store: string;
  temporalAddress: string;
  /** Of its processes; `api` and `worker` are the same one where they are not apart. */
  pids: { api: number; worker: number; temporal: number; postgres?: number };
  /** From spawn to the line that says it is ready; apart, until its worker is seen, too. */
  startMs: number;
  stop(): Promise<void>;
};

export const KEY = 'bench-key-0123456789abcdef';
