/** What the load process can be asked to do. Times are milliseconds. */
import type { Target } from './stream-run.ts';

type BareTarget = { address: string; taskQueue: string };
type Amount = { count: number; concurrency: number };
type Deltas = { runs: number; chunks: number; uncounted: number; everyMs: number };

export type Jobs = {
  /** Starts the model provider; the same one when asked again. */
  provider(args: object): Promise<{ url: string }>;
  /** Runs that are created with `body`, each from its POST to `run.completed` at this client, `concurrency` at a time. */
  runs(args: Target & Amount & { body: object }): Promise<Timed>;
  /** Bare workflows, each from its start to its result at this client. With `parallel`, so many more activities at once in their midst. */
  bare(args: BareTarget & Amount & { activities: number; parallel?: number }): Promise<Timed>;
  /** Runs whose model sends a chunk every `everyMs`: the way of all but the first `uncounted` from the provider's socket to a reader's. */
  deltas(args: Target & Deltas): Promise<{ delays: number[] }>;
  /** Runs that wait for a person. They are remembered here. */
  park(args: Target & Amount & { input: string }): Promise<Timed>;
  /** Answers some of them, picked at random, one at a time: each from the POST of its answer to `run.completed`. */
  answer(args: Target & { count: number }): Promise<Timed>;
  /** Bare workflows that wait for a signal. They are remembered here. */
  parkBare(args: BareTarget & Amount): Promise<Timed>;
  /** Signals some of them, picked at random, one at a time: each from its signal to its result. */
  signalBare(args: BareTarget & { count: number }): Promise<Timed>;
  /** Cancels runs whose model is silent: each from the POST of its cancel to `run.cancelled`. */
  cancels(args: Target & Amount): Promise<Timed>;
  /** Runs that are created with `body` at an even rate for a time, however long each takes. `begun` says when, from the first. */
  steady(args: Target & { perSecond: number; seconds: number; body: object }): Promise<Timed & { begun: number[] }>;
  /** Reads, one after the other, until all are read or `withinMs` is over: each from the request to the end of its 2xx answer. */
  requests(args: Target & { paths: string[]; withinMs: number }): Promise<{ latencies: number[] }>;
  /** The same read again and again, with pauses, for a time: what else the server does meanwhile is seen in the slowest. */
  watch(args: Target & { path: string; everyMs: number; seconds: number }): Promise<{ latencies: number[] }>;
  /** Creates of runs, each from its POST to the 201; the next one comes when the run has ended. */
  creates(args: Target & { count: number; body: object }): Promise<{ latencies: number[] }>;
  /** A run that has asked, and waits for its answer. */
  asking(args: Target & { input: string }): Promise<{ run_id: string; request_id: string }>;
  /**
   * Readers that ask for `path` all at once, and get `chunks` chunks each until the stream ends. With `start`, which is asked for when
   * all readers have heard something. From the first chunk at any reader to the last at any.
   */
  fanOut(args: Target & FanOut): Promise<{ elapsed: number }>;
  /** Runs that are created with `body`; nobody reads them. */
  begin(args: Target & { count: number; body: object }): Promise<{ runIds: string[] }>;
  /** Readers that are spread over the runs, from their first event on. They are remembered here. */
  hold(args: Target & { runIds: string[]; readers: number }): Promise<void>;
  /** Cuts the connections of all that are held. */
  letGo(args: object): Promise<void>;
  /** How many are still connected, and the longest that any of those heard nothing. */
  heldNow(args: object): Promise<{ open: number; longestSilence: number }>;
  /** Cancels the runs; all events that their held readers have seen and missed by the end of their streams. */
  endHeld(args: Target & { runIds: string[] }): Promise<{ seen: number; missed: number }>;
};

export type FanOut = {
  path: string;
  readers: number;
  chunks: number;
  /** Chunks that come after them and are not timed. */
  closing?: number;
  start?: { path: string; body: object };
};

export type Timed = {
  latencies: number[];
  /** From the first start to the last end. */
  elapsed: number;
  /** Of runs or workflows, in the order of their ends. */
  ids: string[];
};
