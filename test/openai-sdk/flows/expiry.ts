/** Runs past their `expires_at`: waiting, silent and streaming ones. */
import { expect } from 'vitest';
import { until } from '../../support/until.ts';
import type { StreamEvent } from '../support/npm-sdk.ts';
import { EXPIRES_AFTER_S, type Flows } from '../support/suite.ts';
import { all, begin, listed, ONE_CITY, outputsFor, told } from './dialogue.ts';

export const expiryFlows: Flows = {
  async 'a run that waits past its time expires, frees its thread and takes no outputs'({ open }) {
    const sdk = open({ server: 'expiring' });
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    expect(waiting).toMatchObject({ status: 'requires_action', expires_at: waiting.created_at + EXPIRES_AFTER_S });
    const expired = await until(async () => {
      const run = await sdk.getRun(thread, waiting.id);
      return run.status === 'requires_action' ? undefined : run;
    }, 'the run no longer waits');
    expect(expired).toMatchObject({ status: 'expired', required_action: null, completed_at: null });
    expect((await all(sdk.listSteps(thread, waiting.id, {}))).map((it) => it.status)).toEqual(['expired']);
    const late = sdk.submit(thread, waiting.id, outputsFor(waiting));
    await expect(late).rejects.toBeInstanceOf(sdk.errors.BadRequestError);
    await expect(late).rejects.toMatchObject({
      message: '400 Runs in status "expired" do not accept tool outputs.',
    });
    await sdk.createMessage(thread, { role: 'user', content: '/say Free' });
    expect((await sdk.createAndPoll(thread, { assistant_id })).status).toBe('completed');
  },

  async 'a silent run expires, by poll'({ open }) {
    const sdk = open({ server: 'expiring' });
    const { assistant_id, thread } = await begin(sdk, '/think ms=60000');
    const run = await sdk.createAndPoll(thread, { assistant_id });
    expect(run).toMatchObject({ status: 'expired', completed_at: null });
    expect(run.usage).not.toBeNull();
  },

  async 'a streaming run expires, by stream'({ open }) {
    const sdk = open({ server: 'expiring' });
    const { assistant_id, thread } = await begin(sdk, '/stream chunks=3000 delay_ms=20');
    const events: StreamEvent[] = [];
    const stream = sdk.stream(thread, { assistant_id }).on('event', (event) => events.push(event));
    const run = await stream.finalRun();
    expect(run.status).toBe('expired');
    expect(events.slice(-3).map(({ event }) => event)).toEqual([
      ...['thread.message.incomplete', 'thread.run.step.expired', 'thread.run.expired'],
    ]);
    const { steps, messages } = await listed(sdk, run);
    expect(messages).toMatchObject([{ status: 'incomplete', incomplete_details: { reason: 'run_expired' } }]);
    expect(told(events)).toEqual({ steps, messages });
  },
};
