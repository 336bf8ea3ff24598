/** `run_agent`: another persona does a part of the work, in a run of its own. Its answer is the tool's result. */
import type { ToolSpec } from '../models/types.ts';

export const RUN_AGENT = 'run_agent';

export const runAgentTool: ToolSpec = {
  name: RUN_AGENT,
  description: 'Give a task to another agent and get its answer. Several may work at the same time.',
  parameters: {
    type: 'object',
    properties: {
      persona: { type: 'string', description: 'Who does it: the key of a persona.' },
      input: { type: 'string', description: 'The task, complete in itself: the agent sees nothing else.' },
    },
    required: ['persona', 'input'],
    additionalProperties: false,
  },
};

export type AgentTask = { persona: string; input: string };

/** What is wrong with the arguments of a task, as the model is told; nothing when it can be given. */
export function checkTask(args: unknown): { error: string } | undefined {
  const { persona, input, ...rest } = (args ?? {}) as { persona?: unknown; input?: unknown };
  const given = [persona, input].every((text) => typeof text === 'string' && text.trim() !== '');
  if (given && Object.keys(rest).length === 0) return undefined;
  return { error: 'run_agent needs a persona and an input: {"persona": "researcher", "input": "…"}.' };
}
