/** An upgrade of `holdfast start`, and the way back: runs that one version leaves in any state end on another. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STUCK_ATTEMPTS } from '../../src/temporal/agreement.ts';
import { INPUT_SIGNAL } from '../../workflows/run-input.ts';
import { checkHistory, types } from '../support/events.ts';
import { brokenVersion, nextVersion, type Version } from '../support/later-version.ts';
import { MAIN } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { answerRequest, expectCompleted, parkRuns, postAsking } from './parked-runs.ts';
import { wholeStory } from './reader.ts';

/**
 * A run that a version cannot replay is rebuilt when its answer does not show, or when it has been quiet: within a minute, and a busy
 * machine is given half as much again.
 */
const REBUILT_WITHIN_MS = 90_000;
/** A parent is found to be stuck when its child's end reaches it: the child's rebuild comes first, then its own. */
const PARENT_REBUILT_WITHIN_MS = 2 * REBUILT_WITHIN_MS;
/** On a busy machine the first try may run out of time, and it takes more of them. */
const UNREPLAYED = 'with a (history that this version cannot replay|task that no worker ends)';

let next: Version;
let broken: Version;
let server: TestServer;
beforeAll(async () => {
  next = nextVersion();
  broken = brokenVersion();
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  next.remove();
  broken.remove();
});

/** Stops the server and starts a version on its data. */
async function upgradeTo(main: string): Promise<void> {
  await server.stop();
  server.main = main;
  server.stderr = '';
  await server.restart();
}

describe('an upgrade', { timeout: 180_000 }, () => {
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
    expect(server.stderr).toMatch(new RegExp(UNREPLAYED));
  });
});

describe('a version whose workflow does not fit the histories', { timeout: 400_000 }, () => {
  it('loses no run: doctor says which it cannot replay, and --repair has them go on from the journal', async () => {
    const parked = await parkRuns(server);
    const cancelled = await postAsking(server);
    await upgradeTo(broken.main);
    await failToReplay(parked.asking.run_id);
    server.freeze();
    const doctor = async (...args: string[]) => await server.holdfast(['doctor', ...args], {});
    const disagree = 'the journal says waiting_for_input, Temporal says running';
    const unreplayed = `${parked.asking.run_id}: ${disagree}, ${UNREPLAYED}`;
    const isFound = async () => new RegExp(unreplayed).test((await doctor()).stdout);
    await until(isFound, 'doctor says that the run cannot be replayed', REBUILT_WITHIN_MS);
    expect((await doctor('--repair')).stdout).toMatch(new RegExp(`${unreplayed}: mended`));
    server.thaw();

    expect((await server.request('POST', `/v1/runs/${cancelled.run_id}:cancel`)).status).toBe(200);
    const completed = expectCompleted(server, parked, PARENT_REBUILT_WITHIN_MS);
    const ends = wholeStory(server, cancelled.run_id, REBUILT_WITHIN_MS);
    const isMended = async () => (await doctor('--repair')).code === 0;
    await until(isMended, 'doctor finds nothing wrong', REBUILT_WITHIN_MS);
    await completed;
    expect((await ends).events.at(-1)?.type).toBe('run.cancelled');
    await until(isMended, 'doctor finds nothing wrong with what has ended', REBUILT_WITHIN_MS);
  });
});

/**
 * Gives the run's workflow something to look at that says nothing, so that no intent waits for its effect, and waits until its task was
 * tried in vain so often that it counts as one that cannot be replayed.
 */
async function failToReplay(runId: string): Promise<void> {
  const address = `127.0.0.1:${server.env.HOLDFAST_TEMPORAL_PORT}`;
  const connection = await Connection.connect({ address });
  const handle = new Client({ connection }).workflow.getHandle(runId);
  await handle.signal(INPUT_SIGNAL, 'nobody asked');
  const attempts = async () => (await handle.describe()).raw.pendingWorkflowTask?.attempt ?? 0;
  await until(async () => (await attempts()) >= STUCK_ATTEMPTS, 'its task fails again and again', REBUILT_WITHIN_MS);
  await connection.close();
}
