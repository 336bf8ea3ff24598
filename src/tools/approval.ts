/** Whether a person must allow a call before it is made: what the run's persona says of the tool. */
import type { RunSpec } from '../journal/run-row.ts';
import { callPolicy, type Tool } from './tool.ts';

/**
 * `always` asks, `never` does not, `hint` asks where the tool's own hints say that it changes something. The tool's name counts
 * before `server/*`, and that before `*`; a tool that is not mentioned is not asked for.
 */
export function needsApproval(spec: Pick<RunSpec, 'approval'>, tool: Tool, args: unknown): boolean {
  const server = tool.name.split('/')[0];
  const policy = spec.approval[tool.name] ?? spec.approval[`${server}/*`] ?? spec.approval['*'] ?? 'never';
  if (policy === 'hint') return callPolicy(tool, args).needs_approval_hint;
  return policy === 'always';
}
