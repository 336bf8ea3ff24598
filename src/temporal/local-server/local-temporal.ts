/** A local Temporal server that runs, whoever started it. */
export interface LocalTemporal {
  /** `127.0.0.1:<port>`, for a client's connection. */
  readonly address: string;
  readonly uiUrl: string;
  readonly port: number;
  readonly uiPort: number;
  readonly pid: number;
  /** Whether it was found running, left behind by an earlier process. */
  readonly adopted: boolean;
  /** Ends it (SIGTERM, then SIGKILL) and forgets it. Harmless when it has ended already. */
  stop(): Promise<void>;
  /** Resolves when it has ended, `expected` when through `stop`. Never rejects, and does not keep our process alive. */
  readonly exited: Promise<LocalTemporalExit>;
}

export interface LocalTemporalExit {
  expected: boolean;
  /** For the log: `SIGKILL`, `exit code 1`, … */
  how: string;
}

/** What of a pino logger is used here. */
export interface LocalTemporalLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface StartOptions {
  dataDir: string;
  /** The `temporal` executable and what `--version` said of it. */
  cli: { path: string; version: string };
  log: LocalTemporalLog;
  /** Default 7233; the next free one when taken. */
  port?: number;
  /** Default 8233; the next free one when taken. */
  uiPort?: number;
  /** Fail when `port` is taken instead of moving on: clients already know the address. */
  exactPort?: boolean;
  /** Aborted while the server starts: it is ended and the start rejects. */
  signal?: AbortSignal;
  /** Default `default`. */
  namespace?: string;
  /** Default LOCAL_SEARCH_ATTRIBUTES; all of type Keyword. */
  searchAttributes?: readonly string[];
}

export const DEFAULT_PORT = 7233;
export const DEFAULT_UI_PORT = 8233;
/** SIGTERM to SIGKILL; an idle server needs about one second of it. */
export const STOP_GRACE_MS = 5_000;
