/** What the rows share: one server, the bare worker on its Temporal, the load process. Each is started by the first row that needs it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, forkModule } from './child.ts';
import { type HoldfastServer, startHoldfast } from './holdfast-server.ts';
import { LoadProcess } from './load-process.ts';

const BARE_QUEUE = 'bench-bare';

export class Stage {
  /** Fewer and shorter rounds. */
  readonly quick: boolean;
  readonly #directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  readonly #closers: (() => Promise<void>)[] = [];
  #load: LoadProcess | undefined;
  #server: Promise<HoldfastServer> | undefined;
  #bare: Promise<string> | undefined;
  #directories = 0;

  constructor(quick: boolean) {
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
  server(): Promise<HoldfastServer> {
    this.#server ??= this.start({});
    return this.#server;
  }

  /** The queue of the bare workflow's worker, which runs on the server's own Temporal. */
  bare(): Promise<string> {
    this.#bare ??= this.#startBare();
    return this.#bare;
  }

  /** A server of a row's own; the row stops it. */
  async start(options: { dataDir?: string; commitDelayMs?: number }): Promise<HoldfastServer> {
    const { url: providerUrl } = await this.load.ask('provider', {});
    const server = await startHoldfast({ dataDir: this.newDataDir(), ...options, providerUrl });
    this.#closers.push(() => server.stop());
    return server;
  }

  newDataDir(): string {
    return join(this.#directory, String(++this.#directories));
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #startBare(): Promise<string> {
    const { temporalAddress } = await this.server();
    const worker = forkModule('./bare/worker.ts', [temporalAddress, BARE_QUEUE]);
    this.#closers.push(() => end(worker, () => worker.disconnect()));
    await Promise.race([once(worker, 'message'), once(worker, 'exit')]);
    if (worker.exitCode !== null) throw new Error(`the bare worker ended with code ${worker.exitCode}`);
    return BARE_QUEUE;
  }
}
