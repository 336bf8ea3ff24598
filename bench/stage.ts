/** What the rows of one form share: one server, the bare worker on its Temporal, the load process. Each is started by the first row that needs it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { end, forkModule } from './child.ts';
import { apart } from './forms/apart.ts';
import { embedded } from './forms/embedded.ts';
import type { Form, Holdfast, StartOptions } from './forms/form.ts';
import { LoadProcess } from './load-process.ts';

const BARE_QUEUE = 'bench-bare';

/** Bare workflows: where they are started, and who runs them. */
export type Bare = { address: string; taskQueue: string; pid: number };

export class Stage {
  readonly formName: Form['name'];
  /** Fewer and shorter rounds. */
  readonly quick: boolean;
  /** For what rows write; removed at the end. */
  readonly directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  readonly #closers: (() => Promise<void>)[] = [];
  #load: LoadProcess | undefined;
  #form: Promise<Form> | undefined;
  #server: Promise<Holdfast> | undefined;
  #bare: Promise<Bare> | undefined;

  constructor(formName: Form['name'], quick: boolean) {
    this.formName = formName;
    this.quick = quick;
  }

  get load(): LoadProcess {
    if (this.#load) return this.#load;
    const load = new LoadProcess();
    this.#closers.push(() => load.stop());
    this.#load = load;
    return load;
  }

  /** The server of all rows that need no other. */
  server(): Promise<Holdfast> {
    this.#server ??= this.start();
    return this.#server;
  }

  /** The bare workflows on its Temporal server. */
  bare(): Promise<Bare> {
    this.#bare ??= this.#startBare();
    return this.#bare;
  }

  /** A server of a row's own; the row stops it. */
  async start(options: StartOptions = {}): Promise<Holdfast> {
    this.#form ??= this.#openForm();
    const server = await (await this.#form).start(options);
    this.#closers.push(() => server.stop());
    return server;
  }

  /** The version of the Temporal server. */
  async temporalVersion(): Promise<string> {
    const connection = await Connection.connect({ address: (await this.server()).temporalAddress });
    try {
      return (await connection.workflowService.getSystemInfo({})).serverVersion ?? 'unknown';
    } finally {
      await connection.close();
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #openForm(): Promise<Form> {
    const { url: providerUrl } = await this.load.ask('provider', {});
    const options = { directory: this.directory, providerUrl };
    const form = await (this.formName === 'embedded' ? embedded(options) : apart(options));
    this.#closers.push(() => form.close());
    return form;
  }

  async #startBare(): Promise<Bare> {
    const { temporalAddress: address } = await this.server();
    const worker = forkModule('./bare/worker.ts', [address, BARE_QUEUE]);
    this.#closers.push(() => end(worker, () => worker.disconnect()));
    await Promise.race([once(worker, 'message'), once(worker, 'exit')]);
    if (worker.exitCode !== null) throw new Error(`the bare worker ended with code ${worker.exitCode}`);
    return { address, taskQueue: BARE_QUEUE, pid: worker.pid ?? -1 };
  }
}
