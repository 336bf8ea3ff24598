import { randomUUID } from 'node:crypto';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  ProgressNotificationSchema,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';

export type Progress = { progress: number; total?: number; message?: string };

/** One `tools/call` on the wire. */
export type WatchedCall = {
  /** To be sent as `_meta.progressToken`: how the watch knows the request again. */
  readonly token: string;
  /** Whether the request has been handed to the transport. */
  readonly sent: boolean;
  /** Resolves when the server answers, even after the call was cancelled. */
  readonly answered: Promise<void>;
  /** Resolves when nothing can bring the answer any more. */
  readonly answerLost: Promise<void>;
  /** The server numbers the events of its answer: one that breaks off is taken up again by the SDK. */
  resumable(): void;
};

const MAX_MESSAGE_CHARS = 4_000;
const STREAM_SETTLE_MS = 100; // the last message of a stream is read a little after its last byte

class Call implements WatchedCall {
  readonly token: string = randomUUID();
  readonly #answered = Promise.withResolvers<void>();
  readonly #answerLost = Promise.withResolvers<void>();
  readonly answered = this.#answered.promise;
  readonly answerLost = this.#answerLost.promise;
  readonly answer = this.#answered.resolve;
  readonly loseAnswer = this.#answerLost.resolve;
  readonly onProgress: (progress: Progress) => void;
  id: RequestId | undefined;
  isResumable = false;

  constructor(onProgress: (progress: Progress) => void) {
    this.onProgress = onProgress;
  }

  get sent(): boolean {
    return this.id !== undefined;
  }

  resumable(): void {
    this.isResumable = true;
  }
}

/**
 * Sees the messages of a transport before the SDK does, which forgets a request once it is cancelled (so a late answer is
 * the only proof that the tool has ended) and drops a progress notification that comes in one piece with the result.
 */
export class CallWatch {
  readonly #waiting = new Map<string, Call>();
  readonly #sent = new Map<RequestId, Call>();

  /** To be called before the SDK connects the transport. */
  attach(transport: Transport): void {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
      this.#onSend(message);
      return send(message, options);
    };
    transport.onmessage = (message) => this.#onMessage(message);
  }

  begin(onProgress: (progress: Progress) => void): WatchedCall {
    const call = new Call(onProgress);
    this.#waiting.set(call.token, call);
    return call;
  }

  /** The call is of no interest any more. */
  forget(call: WatchedCall): void {
    const known = this.#waiting.get(call.token);
    this.#waiting.delete(call.token);
    if (known?.id !== undefined) this.#sent.delete(known.id);
  }

  /** The HTTP answer to a request has ended; whether it held the answer shows a moment later. */
  answerEnded(id: RequestId): void {
    const call = this.#sent.get(id);
    if (call && !call.isResumable) setTimeout(call.loseAnswer, STREAM_SETTLE_MS).unref();
  }

  #onSend(message: JSONRPCMessage): void {
    if (!isJSONRPCRequest(message)) return;
    const call = this.#waiting.get(String(message.params?._meta?.progressToken));
    if (call === undefined) return;
    call.id = message.id;
    this.#sent.set(message.id, call);
  }

  #onMessage(message: JSONRPCMessage): void {
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) {
      if (message.id !== undefined) this.#sent.get(message.id)?.answer();
    } else if (isJSONRPCNotification(message) && message.method === 'notifications/progress') {
      const { progressToken, progress, total, message: text } = ProgressNotificationSchema.parse(message).params;
      this.#waiting.get(String(progressToken))?.onProgress({
        progress,
        ...(total !== undefined && { total }),
        ...(text !== undefined && { message: text.slice(0, MAX_MESSAGE_CHARS) }),
      });
    }
  }
}
