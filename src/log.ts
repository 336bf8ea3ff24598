/** The log, on standard error: standard output belongs to `holdfast ready …` and to what commands print. */
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './config.ts';

export type Log = Logger;

const STDERR = 2;

/** Keys whose values are never written, at the top of a log line's object and one level below any of its parts. */
const SECRET_KEYS = [
  'authorization',
  'Authorization',
  'cookie',
  'api_key',
  'apiKey',
  'token',
  'password',
  'databaseUrl',
  'headers.authorization',
  'headers.Authorization',
  'headers.cookie',
];

/**
 * A log at `level`: readable lines when standard error is a terminal, JSON lines otherwise. Written synchronously, so
 * that the line before a crash is there. `out` replaces standard error.
 */
export function createLog(level: LogLevel, out?: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '[secret]' },
    },
    out ?? standardError(),
  );
}

function standardError(): DestinationStream {
  if (!process.stderr.isTTY) return destination({ dest: STDERR, sync: true });
  return pretty({ destination: STDERR, sync: true, colorize: true, translateTime: 'SYS:HH:MM:ss.l' });
}
