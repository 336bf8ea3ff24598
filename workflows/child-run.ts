import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  executeChild,
  ParentClosePolicy,
} from '@temporalio/workflow';
import type { ChildRef } from '../src/runs/outcomes.ts';
import type { agentRun } from './agent-run.ts';
import { type AgentRunInput, summaryOf, WORKFLOW_TASK_TIMEOUT_MS, WORKFLOW_TYPE } from './run-input.ts';
import { searchAttributesOf } from './search-attributes.ts';

/**
 * Runs a child's workflow to its end, however it ends: the journal knows how. A cancel of the parent is passed on. False when the child runs already, started by somebody else: then its end is told by a signal. A parent that closes leaves its
 * children to the journal, which cancels those of a run that ended, and not those of one that goes on in another copy.
 */
export async function runChild(parent: AgentRunInput, child: ChildRef): Promise<boolean> {
  const { org_id, searchable } = parent;
  const { run_id, epoch, resume, persona, model } = child;
  try {
    await executeChild<typeof agentRun>(WORKFLOW_TYPE, {
      workflowId: run_id,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: summaryOf(child),
      ...(searchable ? { typedSearchAttributes: searchAttributesOf({ ...child, org_id }) } : {}),
      args: [{ org_id, run_id, epoch, resume, searchable, persona, model }],
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    if (error instanceof ChildWorkflowFailure) return true;
    throw error;
  }
}
