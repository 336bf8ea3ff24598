/** kill -9 of the server under SDK clients: code that polls notices nothing, code that streams can poll on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomPort, TEST_KEY } from '../support/run-holdfast.ts';
import { TestServer } from '../support/server.ts';
import { answersIn, begin, listed, ONE_CITY, outputsFor } from './flows/dialogue.ts';
import { NPM_SDKS, type Sdk } from './support/npm-sdk.ts';

/** The SDKs wait up to 8 s between their attempts; the server is away for a second or two. */
const MAX_RETRIES = 10;
const CHUNKS = 200;

let server: TestServer;
let sdks: Sdk[];
beforeAll(async () => {
  server = new TestServer({
    yaml: 'routes: [{ id: demo, provider: demo, aliases: [gpt-4o] }]\n',
    env: { HOLDFAST_PORT: String(randomPort(9_000)) },
  });
  await server.start();
  sdks = NPM_SDKS.map(({ open }) =>
    open({ apiKey: TEST_KEY, baseURL: `${server.url}/openai/v1`, defaultHeaders: {}, maxRetries: MAX_RETRIES }),
  );
});
afterAll(async () => {
  await server?.close();
});

const SCRIPT = `/stream chunks=${CHUNKS} delay_ms=20`;
const words = (text: string | undefined) => text?.trim().split(' ').length;

/** A run under way, of which the server has streamed something. */
async function streaming(sdk: Sdk) {
  const { assistant_id, thread } = await begin(sdk, SCRIPT);
  const stream = sdk.stream(thread, { assistant_id });
  const id = await new Promise<string>((resolve, reject) => {
    stream.on('textDelta', () => resolve(stream.currentRun()?.id ?? '')).on('error', reject);
  });
  return { thread, id, stream };
}

describe('a server that is killed and started again', { timeout: 90_000 }, () => {
  it('completes the runs that clients poll, and those whose streams it cut', async () => {
    const created = await Promise.all(
      sdks.map(async (sdk) => {
        const { assistant_id, thread } = await begin(sdk, SCRIPT);
        return { sdk, run: await sdk.createRun(thread, { assistant_id }) };
      }),
    );
    const polled = created.map(async ({ sdk, run }) => ({ sdk, run: await sdk.poll(run.thread_id, run.id) }));
    const cut = await Promise.all(sdks.map(streaming));
    const ends = cut.map(({ stream }) =>
      stream.finalRun().then(
        () => 'ended',
        () => 'cut',
      ),
    );
    await server.kill();
    expect(await Promise.all(ends)).toEqual(sdks.map(() => 'cut'));
    await server.restart();

    for (const { sdk, run } of await Promise.all(polled)) {
      expect(run.status).toBe('completed');
      expect((await answersIn(sdk, run.thread_id)).map(words)).toEqual([CHUNKS]);
    }
    for (const [i, sdk] of sdks.entries()) {
      const { thread, id } = cut[i] as (typeof cut)[number];
      const run = await sdk.poll(thread, id);
      const { steps, messages } = await listed(sdk, run);
      expect(run).toMatchObject({ status: 'completed', usage: { completion_tokens: expect.any(Number) } });
      expect(messages).toMatchObject([{ status: 'completed' }]);
      expect(steps.map((step) => step.status)).toEqual(['failed', 'completed']);
    }
  });

  it('still waits for the outputs it had asked for', async () => {
    const waiting = await Promise.all(
      sdks.map(async (sdk) => {
        const { assistant_id, thread } = await begin(sdk, ONE_CITY);
        return await sdk.createAndPoll(thread, { assistant_id });
      }),
    );
    await server.kill();
    await server.restart();
    for (const [i, sdk] of sdks.entries()) {
      const run = waiting[i] as (typeof waiting)[number];
      expect(await sdk.getRun(run.thread_id, run.id)).toEqual(run);
      expect((await sdk.submitAndPoll(run.thread_id, run.id, outputsFor(run))).status).toBe('completed');
    }
  });
});
