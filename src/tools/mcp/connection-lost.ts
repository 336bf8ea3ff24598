import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { errorText } from './error-text.ts';

/** The connection to an MCP server is gone; another one may do. */
export class ConnectionLost extends Error {
  /** The request may have reached the server, so it may have acted. */
  readonly reached: boolean;

  constructor(message: string, reached: boolean) {
    super(message);
    this.name = 'ConnectionLost';
    this.reached = reached;
  }
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Reads a failed HTTP request as the loss of the connection; undefined for an answer that merely says no. A server that
 * does not know our session (404 in the specification, 400 in much of what exists) has not taken the request.
 */
export function lostOverHttp(error: unknown, hadSession: boolean): ConnectionLost | undefined {
  if (error instanceof StreamableHTTPError) {
    const unknownSession = hadSession && (error.code === 404 || error.code === 400);
    return unknownSession ? new ConnectionLost('the server no longer knows the session', false) : undefined;
  }
  if (!(error instanceof TypeError)) return undefined;
  return new ConnectionLost(errorText(error), !connectionCodes(error.cause).some((code) => NEVER_CONNECTED.has(code)));
}

/** A host with several addresses fails with an error for each. */
function connectionCodes(cause: unknown): string[] {
  const errors: unknown[] = cause instanceof AggregateError ? [cause, ...cause.errors] : [cause];
  return errors.flatMap((error) => {
    const code = (error as { code?: unknown } | undefined)?.code;
    return typeof code === 'string' ? [code] : [];
  });
}
