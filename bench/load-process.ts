import type { ChildProcess } from 'node:child_process';
import { end, forkModule } from './child.ts';
import type { Jobs } from './load/jobs.ts';

type Result<J extends keyof Jobs> = Awaited<ReturnType<Jobs[J]>>;

/** The load generator in a process of its own, so that its work does not slow what it measures in here. */
export class LoadProcess {
  readonly #child: ChildProcess = forkModule('./load/main.ts');

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the load process did not start');
    return this.#child.pid;
  }

  /** Has one job done; the next is asked after it. */
  ask<J extends keyof Jobs>(job: J, args: Parameters<Jobs[J]>[0]): Promise<Result<J>> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('the load process ended'));
      this.#child.once('exit', onExit);
      this.#child.once('message', ({ result, error }: { result?: Result<J>; error?: string }) => {
        this.#child.off('exit', onExit);
        if (error === undefined) resolve(result as Result<J>);
        else reject(new Error(`${job}: ${error}`));
      });
      this.#child.send({ job, args });
    });
  }

  stop(): Promise<void> {
    return end(this.#child, () => this.#child.disconnect());
  }
}
