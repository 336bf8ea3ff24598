/** holdfast.yaml: found, read, its `${VAR}`s filled in, checked. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { HoldfastError } from '../errors.ts';
import { describeIssue } from './describe-issue.ts';
import { type FileConfig, fileSchema } from './file-schema.ts';
import { settleReferences } from './references.ts';
import { type Path, parseSource, type Source, textsOf } from './source.ts';

const DEFAULT_FILE = 'holdfast.yaml';

/** The configuration file of this environment, or the defaults when there is none. Errors: `config.invalid`. */
export function loadFile(env: NodeJS.ProcessEnv, cwd: string): FileConfig {
  const named = env.HOLDFAST_CONFIG?.trim();
  if (!named && !existsSync(resolve(cwd, DEFAULT_FILE))) return parseFile(undefined, '', env);
  const path = named || DEFAULT_FILE;
  return parseFile(path, readText(path, cwd), env);
}

function readText(path: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, path), 'utf8');
  } catch (cause) {
    const what = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : 'it cannot be read';
    throw new HoldfastError('config.invalid', `${path}: expected the configuration file, ${what} (HOLDFAST_CONFIG)`, {
      cause,
    });
  }
}

function parseFile(path: string | undefined, text: string, env: NodeJS.ProcessEnv): FileConfig {
  const source = parseSource(path ?? DEFAULT_FILE, text);
  fillVariables(source, env);
  const value = withoutEmptySections(source);
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw firstIssue(source, value, parsed.error.issues);
  return { ...(path !== undefined && { path }), ...settleReferences(parsed.data, source) };
}

/** Replaces `${NAME}` in every text; `$${NAME}` stands for `${NAME}` itself. */
function fillVariables(source: Source, env: NodeJS.ProcessEnv): void {
  for (const { path, scalar } of textsOf(source.document)) {
    scalar.value = scalar.value.replace(/(\$?)\$\{([^}]*)\}?/g, (whole, escaped: string, name: string) => {
      if (escaped) return whole.slice(1);
      if (!/^[A-Za-z_]\w*$/.test(name) || !whole.endsWith('}')) {
        throw source.refuse(
          path,
          'expected the name of a variable in the braces after $ (write $$ for the characters themselves)',
        );
      }
      const value = env[name];
      if (value === undefined) throw source.refuse(path, `expected the environment variable ${name}, it is not set`);
      return value;
    });
  }
}

/** The document as a value. `mcp:` with everything below it commented out says nothing, so it is as if it were absent. */
function withoutEmptySections(source: Source): unknown {
  const value: unknown = toValue(source) ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value as object).filter(([, section]) => section !== null));
}

function toValue(source: Source): unknown {
  try {
    return source.document.toJS();
  } catch (cause) {
    // The only one left at this point: aliases of aliases, multiplied beyond measure.
    throw source.refuse([], `not valid YAML: ${(cause as Error).message}`);
  }
}

function firstIssue(source: Source, value: unknown, issues: ParsedIssue[]): HoldfastError {
  const [issue, ...others] = issues;
  if (!issue) throw new Error('zod refused without an issue');
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const key = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return source.refuse(path, describeIssue(issue, isPresent(value, path)) + more, key);
}

type ParsedIssue = NonNullable<ReturnType<typeof fileSchema.safeParse>['error']>['issues'][number];

function isPresent(value: unknown, path: Path): boolean {
  let part = value;
  for (const key of path) part = (part as Record<string | number, unknown> | null | undefined)?.[key];
  return part !== undefined;
}
