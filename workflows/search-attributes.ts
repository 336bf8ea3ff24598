/** The search attributes by which runs are found in the Temporal Web UI. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const SEARCH_ATTRIBUTES = ['HoldfastOrg', 'HoldfastThread', 'HoldfastPersona', 'HoldfastStatus'] as const;

const key = (name: (typeof SEARCH_ATTRIBUTES)[number]) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

export const statusKey = key('HoldfastStatus');

/** What a run is found by; the status is brought up to date by its workflow. */
export function searchAttributesOf(run: { org_id: string; thread_id: string; persona: string }) {
  return [
    { key: key('HoldfastOrg'), value: run.org_id },
    { key: key('HoldfastThread'), value: run.thread_id },
    { key: key('HoldfastPersona'), value: run.persona },
    { key: statusKey, value: 'running' },
  ];
}
