import type { z } from 'zod';
import { HoldfastError } from '../errors.ts';

/** One thing that is wrong with a request. `path` is dotted (`budget.max_turns`, `tools.0.function.name`), '' for the whole body. */
export type Issue = { path: string; message: string };

const SHOWN_ISSUES = 3;

/** `value` as `schema` reads it; `part` is what an unknown name is called. Errors: `validation.failed` with `details.issues`. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, part = 'field'): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap((issue) => issuesOf(issue, [], part)));
}

/** The error for a request that says something it must not. */
export function invalid(issues: Issue[]): HoldfastError {
  const shown = issues
    .slice(0, SHOWN_ISSUES)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const rest = issues.length > SHOWN_ISSUES ? ` (and ${issues.length - SHOWN_ISSUES} more)` : '';
  return new HoldfastError('validation.failed', `${shown.join('; ')}${rest}`, { details: { issues } });
}

function issuesOf(issue: z.core.$ZodIssue, parents: PropertyKey[], part: string): Issue[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: `Unknown ${part}` }));
  }
  if (issue.code === 'invalid_union') {
    // Of several forms the one whose outermost type was sent is the one that was meant.
    const meant = issue.errors.filter(
      (branch) => !branch.some((it) => it.code === 'invalid_type' && it.path.length === 0),
    );
    if (meant.length === 1 && meant[0]) return meant[0].flatMap((it) => issuesOf(it, path, part));
  }
  return [{ path: path.join('.'), message: issue.message }];
}
