/** Whether a person must allow a call before it is made: what the run's persona says of the tool. */
import type { RunSpec } from '../journal/run-row.ts';

/**
 * `always` asks, `never` does not, `hint` asks where the tool's own hints (`needsByHint`) say that it changes something. The tool's
 * name counts before `server/*`, and that before `*`; a tool that is not mentioned is not asked for.
 */
export function needsApproval(spec: Pick<RunSpec, 'approval'>, name: string, needsByHint: boolean): boolean {
  const server = name.split('/')[0];
  const policy = spec.approval[name] ?? spec.approval[`${server}/*`] ?? spec.approval['*'] ?? 'never';
  return policy === 'hint' ? needsByHint : policy === 'always';
}
