/** What the thread of the SQLite writer and its owner say to each other. */
import type { Appended, Intent } from '../journal.ts';
import type { TransactionName } from '../transactions/index.ts';

export type WriterOptions = {
  path: string;
  /** Upper bound of the file in pages of 4 KiB; beyond it the disk counts as full. Absent: the disk's own. */
  max_pages?: number;
  /** Milliseconds added to each commit, as a slow disk would; for the benchmarks. */
  commit_delay_ms?: number;
};

export type WriterRequest =
  | { id: number; kind: 'write'; name: TransactionName; args: unknown }
  | { id: number; kind: 'set_max_pages'; max_pages: number }
  | { id: number; kind: 'ping' }
  | { id: number; kind: 'close' };

/** An error as data: a HoldfastError keeps its code. */
export type WriterError = {
  code?: string;
  message: string;
  details?: Record<string, unknown>;
  retryAfterS?: number;
  stack?: string;
};

export type WriterReply =
  | { kind: 'ready'; migrated: string[] }
  | {
      kind: 'done';
      results: { id: number; value?: unknown; error?: WriterError }[];
      appended: Appended[];
      intents: Intent[];
    }
  | { kind: 'failed'; error: WriterError };
