/** One HTTP exchange with a Holdfast server. */
import { HoldfastError } from '../errors.ts';
import { responseError } from './response-error.ts';

export type ConnectionOptions = {
  /** `http://127.0.0.1:7370`, without `/v1`. */
  baseUrl: string;
  apiKey: string;
};

export type Connection = {
  /** Sends a request and gives the 2xx answer. Errors: the server's own; `client.unreachable` when there was no answer. */
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
};

export type SendOptions = { body?: unknown; accept?: string; signal?: AbortSignal };

/** A connection that is opened anew for each request. */
export function connectionTo({ baseUrl, apiKey }: ConnectionOptions): Connection {
  const base = baseUrl.replace(/\/+$/, '');
  return {
    async send(method, path, { body, accept = 'application/json', signal } = {}) {
      const response = await answered(base, () =>
        fetch(base + path, {
          method,
          headers: {
            accept,
            authorization: `Bearer ${apiKey}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          ...(signal && { signal }),
        }),
      );
      if (!response.ok) throw await answered(base, () => responseError(response));
      return response;
    },
  };
}

/** The error for an answer that never came or broke off; an abort is passed on as it is. */
export async function answered<T>(base: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // fetch's network errors are TypeErrors
    const why = error.cause instanceof Error ? error.cause.message : error.message;
    throw new HoldfastError('client.unreachable', `no answer from ${base}: ${why || error.message}`, { cause: error });
  }
}
