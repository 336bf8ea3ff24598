/** What the thread that talks to providers and its owner say to each other, in lists: a message costs as much as a part. */
import type { ModelErrorCode, ModelPart, ModelRequest } from '../types.ts';

export type Command =
  | { kind: 'open'; stream: number; route: string; request: ModelRequest }
  | { kind: 'abort'; stream: number }
  /** So many more of its parts were taken. */
  | { kind: 'taken'; stream: number; parts: number };

export type Said =
  /** Every route's package is loaded; said once, first. */
  | { kind: 'ready' }
  | { kind: 'part'; stream: number; part: ModelPart }
  /** Bytes arrived that are no part (yet). */
  | { kind: 'sign'; stream: number }
  /** Its connection is closed; nothing follows. */
  | { kind: 'end'; stream: number; error?: StreamError };

/** An error as data: a ModelError keeps what it says, any other its stack. */
export type StreamError =
  | { code: ModelErrorCode; message: string; retryable: boolean; status?: number; retryAfterMs?: number }
  | { message: string; stack: string | undefined };

/** Parts of a stream that its reader has not taken; beyond it the stream is not read on. */
export const MAX_PARTS_AHEAD = 1_000;
