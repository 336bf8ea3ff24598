/** A server that is killed by its own hand and started again on its data, time after time; cases follow one another on it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { randomText } from '../../../src/ids.ts';
import type { Execution } from '../../mcp/servers/workshop.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { until } from '../../support/until.ts';
import { readLines } from '../../tools/workshop-stack.ts';
import {
  COMMITS_FILE,
  type Commit,
  forgetCommits,
  forgetPlan,
  PLAN_FILE,
  type Plan,
  readCommits,
  writePlan,
} from './plan.ts';
import { yaml } from './story.ts';

const PRELOAD = new URL('./preload.ts', import.meta.url).href;
/** From the death of a server to the ready line of the next: a boot beside four others. */
const BACK_WITHIN_MS = 60_000;

export type Parts = { temporalAddress: string; wireUrl: string };

export class Lane {
  readonly server: TestServer;
  /** How often the server has been started. */
  lives = 1;
  readonly #files: LaneFiles;
  #failure: Error | undefined;
  #closed = false;

  private constructor(server: TestServer, files: LaneFiles) {
    this.server = server;
    this.#files = files;
    void this.#keepAlive();
  }

  /** Starts its server on a data directory and a task queue of its own. */
  static async open({ temporalAddress, wireUrl }: Parts): Promise<Lane> {
    const files = laneFiles();
    const env = {
      TEMPORAL_ADDRESS: temporalAddress,
      HOLDFAST_TASK_QUEUE: `kills-${randomText(8)}`,
      HOLDFAST_LOG: 'warn',
      NODE_OPTIONS: `--import=${PRELOAD}`,
      [PLAN_FILE]: files.plan,
      [COMMITS_FILE]: files.commits,
    };
    return new Lane(await startServer({ yaml: yaml(wireUrl, files.executions), env }), files);
  }

  /** Makes ready for a case: the next run that is created dies as planned, or lives where nothing is. */
  prepare(plan: Plan | undefined): void {
    forgetCommits(this.#files.commits);
    if (plan) writePlan(this.#files.plan, plan);
  }

  /** What was committed of the run since `prepare`, until the kill. */
  commits(): Commit[] {
    return readCommits(this.#files.commits);
  }

  /** What the tools were asked to do, in order. */
  executions(): Execution[] {
    return existsSync(this.#files.executions) ? readLines(this.#files.executions) : [];
  }

  /** Waits until the server that was the `life`-th is dead and the next one serves. */
  async afterLife(life: number): Promise<void> {
    const isBack = () => {
      if (this.#failure) throw this.#failure;
      return this.lives > life;
    };
    await until(isBack, `the server that died is back:\n${this.server.stderr}`, BACK_WITHIN_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.server.close();
    this.#files.remove();
  }

  /** Starts the server again whenever it has died. The plan dies with it. */
  async #keepAlive(): Promise<void> {
    try {
      for (;;) {
        const { signal } = await this.server.exited();
        if (this.#closed) return;
        if (signal !== 'SIGKILL') throw new Error(`the server ended by itself:\n${this.server.stderr}`);
        forgetPlan(this.#files.plan);
        await this.server.restart();
        this.lives++;
      }
    } catch (error) {
      this.#failure = error as Error;
    }
  }
}

type LaneFiles = { plan: string; commits: string; executions: string; remove(): void };

function laneFiles(): LaneFiles {
  const { path, remove } = temporaryDirectory();
  const [plan, commits] = [join(path, 'plan.json'), join(path, 'commits.jsonl')];
  return { plan, commits, executions: join(path, 'executions.jsonl'), remove };
}

/** Lanes that are not in use wait here for the next case. */
export class Lanes {
  readonly #parts: Parts;
  readonly #idle: Lane[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Runs `work` on a lane that nobody else uses. A lane whose case failed is not used again. */
  async use<T>(work: (lane: Lane) => Promise<T>): Promise<T> {
    const lane = this.#idle.pop() ?? (await Lane.open(this.#parts));
    try {
      const result = await work(lane);
      this.#idle.push(lane);
      return result;
    } catch (error) {
      await lane.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#idle.map((lane) => lane.close()));
  }
}
