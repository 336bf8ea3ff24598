import type { ChildProcess } from 'node:child_process';

/** False before it was started, after it was stopped or killed, and when it ended by itself. */
export const isRunning = (child: ChildProcess | undefined): child is ChildProcess =>
  child !== undefined && child.exitCode === null && child.signalCode === null;
