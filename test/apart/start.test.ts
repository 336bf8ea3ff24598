/** `holdfast start` with DATABASE_URL: everything in one process beside a Temporal server of its own, the journal in PostgreSQL. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postRun, watch, wholeStory } from '../process/reader.ts';
import { checkHistory, types } from '../support/events.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe('all in one process on PostgreSQL', { timeout: 60_000 }, () => {
  it('a run that is cut off by kill -9 is told again after the next start', async () => {
    const { run_id } = await postRun(server, '/stream chunks=60 delay_ms=60');
    const seen = await watch(server, run_id);
    await seen.until((event) => event.seq > 6, 'six events');
    await server.kill();
    await server.restart();
    const story = await wholeStory(server, run_id, 30_000);
    checkHistory(story.events);
    expect(story.events.at(-1)?.type).toBe('run.completed');
    expect(types(story.events).filter((type) => type === 'message.reset')).toHaveLength(1);
    expect(story.text.startsWith(seen.text)).toBe(true);
    expect(existsSync(join(server.dataDir, 'holdfast.db'))).toBe(false);
  });
});
