/** What the SDK's own retries do: how often a refusal is asked for, and what a lost answer costs. */
import { expect } from 'vitest';
import type { Flows } from '../support/suite.ts';
import { all, answersIn, begin, ONE_CITY, outputsFor } from './dialogue.ts';

export const retryFlows: Flows = {
  async 'a refusal is asked for once'({ sdk, requests }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    const before = requests().length;
    await expect(sdk.createRun(thread, { assistant_id })).rejects.toThrow('already has an active run');
    await expect(sdk.createMessage(thread, { role: 'user', content: 'x' })).rejects.toThrow("Can't add messages");
    await expect(sdk.submit(thread, waiting.id, [])).rejects.toThrow('Expected tool outputs');
    await expect(sdk.getRun(thread, 'run_none')).rejects.toThrow('No run found');
    expect(
      requests()
        .slice(before)
        .map((it) => [it.status, it.retry]),
    ).toEqual([
      ...[
        [400, 0],
        [400, 0],
        [400, 0],
        [404, 0],
      ],
    ]);
  },

  async 'a server that is away for a moment is asked again'({ sdk, open, requests }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    const faulty = open({ fault: 'unavailable' });
    const run = await faulty.createRun(thread, { assistant_id });
    expect(run.status).toBe('queued');
    const tried = requests().filter((it) => it.operation === 'createRun');
    expect(tried.map((it) => [it.status, it.retry])).toEqual([
      [503, 0],
      [200, 1],
    ]);
    expect((await sdk.poll(thread, run.id)).status).toBe('completed');
  },

  async 'outputs whose answer was lost are submitted again, and count once'({ sdk, open, requests }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    const answer = await open({ fault: 'lose' }).submit(thread, waiting.id, outputsFor(waiting));
    expect(answer.id).toBe(waiting.id);
    const tried = requests().filter((it) => it.operation === 'submitToolOutputs');
    expect(tried.map((it) => [it.status, it.retry])).toEqual([
      [200, 0],
      [200, 1],
    ]);
    expect((await sdk.poll(thread, waiting.id)).status).toBe('completed');
    expect(await answersIn(sdk, thread)).toEqual(['Done. get_weather returned Oslo: 3 degrees']);
  },

  async 'a created run whose answer was lost is named by the refusal of the second'({ sdk, open, requests }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const lost = open({ fault: 'lose' }).createRun(thread, { assistant_id });
    await expect(lost).rejects.toBeInstanceOf(sdk.errors.BadRequestError);
    const [run, ...others] = await all(sdk.listRuns(thread, {}));
    expect(others).toEqual([]);
    await expect(lost).rejects.toThrow(`already has an active run ${run?.id}.`);
    expect(requests().filter((it) => it.operation === 'createRun')).toHaveLength(2);
    const waiting = await sdk.poll(thread, run?.id ?? '');
    expect((await sdk.submitAndPoll(thread, waiting.id, outputsFor(waiting))).status).toBe('completed');
  },

  async 'a cancel whose answer was lost is asked for again'({ sdk, open }) {
    const { assistant_id, thread } = await begin(sdk, '/think ms=30000');
    const run = await sdk.createRun(thread, { assistant_id });
    const cancel = open({ fault: 'lose' }).cancelRun(thread, run.id);
    // The second request finds the run cancelling, or cancelled already.
    const answer = await cancel.then(
      ({ status }) => status as string,
      (error: Error) => error.message,
    );
    expect(['cancelling', "400 Cannot cancel run with status 'cancelled'."]).toContain(answer);
    expect((await sdk.poll(thread, run.id)).status).toBe('cancelled');
  },
};
