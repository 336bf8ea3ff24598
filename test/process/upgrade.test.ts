/** An upgrade of `holdfast start`, and the way back: runs that one version leaves in any state end on another. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, types } from '../support/events.ts';
import { brokenVersion, nextVersion, type Version } from '../support/later-version.ts';
import { MAIN, startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { answerRequest, expectCompleted, parkRuns, postAsking } from './parked-runs.ts';
import { wholeStory } from './reader.ts';

/** A run that a version cannot replay is rebuilt when its answer does not show, or when it has been quiet. */
const REBUILT_WITHIN_MS = 60_000;

let next: Version;
let server: TestServer;
beforeAll(async () => {
  next = nextVersion();
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  next.remove();
});

/** Stops the server and starts a version on its data. */
async function upgradeTo(main: string): Promise<void> {
  await server.stop();
  server.main = main;
  server.stderr = '';
  await server.restart();
}

describe('an upgrade', { timeout: 120_000 }, () => {
  it('finishes on the next version what was parked on the one before, in whatever state', async () => {
    const parked = await parkRuns(server);
    await upgradeTo(next.main);
    await expectCompleted(server, parked);
    expect(server.stderr).not.toContain('rebuilt');
  });

  it('and back: the version before opens the migrated journal, and finishes what it cannot replay from the journal', async () => {
    const asking = await postAsking(server);
    await upgradeTo(MAIN);
    await answerRequest(server, asking.run_id);
    const { events } = await wholeStory(server, asking.run_id, REBUILT_WITHIN_MS);
    checkHistory(events);
    expect(events.at(-1)?.type).toBe('run.completed');
    expect(types(events).filter((type) => type === 'turn.started')).toHaveLength(2);
    expect(server.stderr).toContain('with a history that this version cannot replay');
  });
});

describe('a version whose workflow does not fit the histories', { timeout: 120_000 }, () => {
  it('loses no run: doctor says which it cannot replay, and --repair has them go on from the journal', async () => {
    const broken = brokenVersion();
    const parked = await parkRuns(server);
    const cancelled = await postAsking(server);
    await upgradeTo(broken.main);
    expect((await server.request('POST', `/v1/runs/${cancelled.run_id}:cancel`)).status).toBe(200);
    const completed = expectCompleted(server, parked, REBUILT_WITHIN_MS);
    let said = '';
    const isMended = async () => {
      const { code, stdout } = await server.holdfast(['doctor', '--repair'], {});
      said += stdout;
      const { events } = await wholeStory(server, cancelled.run_id, REBUILT_WITHIN_MS);
      return code === 0 && events.at(-1)?.type === 'run.cancelled';
    };
    await until(isMended, 'doctor finds nothing wrong', REBUILT_WITHIN_MS);
    await completed;
    await until(isMended, 'doctor finds nothing wrong with what has ended', REBUILT_WITHIN_MS);
    expect(said).toContain('with a history that this version cannot replay: mended');
    broken.remove();
  });
});
