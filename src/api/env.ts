import type { Caller } from '../runs/types.ts';
import type { BodyRoom } from './admission.ts';

/** What a request carries through the middleware. */
export type ApiEnv = {
  Bindings: {
    /** Aborts when this request's client leaves or the server stops. Absent where the app runs without a socket (tests). */
    readerSignal?: () => AbortSignal;
    /** Whether the server is about to stop: others are to be asked. Absent as above. */
    isStopping?: () => boolean;
  };
  Variables: {
    /** 32 hex digits, set before anything else runs. */
    traceId: string;
    /** Set by the authentication, so below a dialect's base only. */
    caller: Caller;
    /** Set below a dialect's base only. */
    bodyRoom: BodyRoom;
  };
};
