/** The picture that a run's workflow gives of itself: the Web UI's details, the query `state`, the search attribute of its status. */
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { Wait } from '../src/runs/outcomes.ts';
import type { AgentRunInput, RunState } from './run-input.ts';
import { statusKey } from './search-attributes.ts';
import { whom } from './waits.ts';

export function createPicture(input: AgentRunInput) {
  const state: RunState = { turn: 1, step: 'starting', waiting_for: [], epoch: input.epoch };
  /** What the run waits for, in words: requests and children by their ids, its timers. */
  const open = new Map<string, string>();

  /** Names, counts and ids, never a text of users or models. */
  function show(step: string): void {
    state.step = step;
    setCurrentDetails(`**${step}**\n\nrun \`${input.run_id}\` · persona ${input.persona} · model ${input.model}`);
  }

  function showOpen(): void {
    if (open.size > 0) show(`turn ${state.turn}: waiting for ${[...open.values()].join('; ')}`);
  }

  function setStatus(status: string): void {
    if (input.searchable) upsertSearchAttributes([{ key: statusKey, value: status }]);
  }

  return {
    state,
    show,
    /** The search attribute says `waiting_for_input` while any request is open, as the run's status does. */
    startWaiting(waits: Wait[]): void {
      if (state.waiting_for.length === 0) setStatus('waiting_for_input');
      for (const wait of waits) open.set(wait[0], whom(wait));
      state.waiting_for = [...state.waiting_for, ...waits.map(([id]) => id)];
      showOpen();
    },
    stopWaiting(ids: string[]): void {
      for (const id of ids) open.delete(id);
      state.waiting_for = state.waiting_for.filter((id) => !ids.includes(id));
      if (state.waiting_for.length === 0) setStatus('running');
      showOpen();
    },
    /** Shows what the run waits for while it does. */
    async whileOpen(id: string, what: string, wait: () => Promise<unknown>): Promise<void> {
      open.set(id, what);
      showOpen();
      await wait();
      open.delete(id);
      showOpen();
    },
  };
}
