/** Lists as OpenAI's API pages them. */
import type { Context } from 'hono';
import type { CursorPage } from '../../runs/dialect-types.ts';
import type { PageOf } from '../../runs/types.ts';
import type { ApiEnv } from '../env.ts';
import { invalidValue, refusal } from './refusals.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const PAGE_PARAMETERS = ['limit', 'order', 'after', 'before'];
const INCLUDABLE = ['step_details.tool_calls[*].file_search.results[*].content'];

/** The page a list is asked for, and its filters. Errors: refused, naming the query parameter. */
export function readPage<Filter extends string = never>(
  c: Context<ApiEnv>,
  filters: Filter[] = [],
): CursorPage & { [Name in Filter]?: string } {
  const query = readQuery(c, [...PAGE_PARAMETERS, ...filters]);
  const given = Object.fromEntries([...query].filter(([name]) => name !== 'limit' && name !== 'order'));
  return {
    ...given,
    limit: readLimit(query.get('limit')),
    order: readOrder(query.get('order')),
  } as CursorPage & { [Name in Filter]?: string };
}

/** The query's parameters, of which only `known` may be given; `include[]` may name what the document knows. */
export function readQuery(c: Context<ApiEnv>, known: string[]): Map<string, string> {
  const query = new Map<string, string>();
  for (const [written, value] of new URL(c.req.url).searchParams) {
    const name = written.replace(/\[\d*\]$/, '');
    if (name === 'include') {
      if (!INCLUDABLE.includes(value)) {
        throw invalidValue('include', `Invalid value: '${value}'. Supported values are: '${INCLUDABLE.join("', '")}'.`);
      }
      continue;
    }
    if (!known.includes(name)) {
      throw refusal(`Unknown parameter: '${name}'.`, { param: name, code: 'unknown_parameter' });
    }
    query.set(name, value);
  }
  return query;
}

function readLimit(text = String(DEFAULT_LIMIT)): number {
  if (!/^-?\d+$/.test(text)) {
    const message = `Invalid type for 'limit': expected an integer, but got '${text}' instead.`;
    throw refusal(message, { param: 'limit', code: 'invalid_type' });
  }
  const limit = Number(text);
  if (limit < 1 || limit > MAX_LIMIT) {
    throw invalidValue('limit', `Invalid 'limit': expected an integer from 1 to ${MAX_LIMIT}, but got ${text}.`);
  }
  return limit;
}

function readOrder(text = 'desc'): 'asc' | 'desc' {
  if (text === 'asc' || text === 'desc') return text;
  throw invalidValue('order', `Invalid value: '${text}'. Supported values are: 'asc', 'desc'.`);
}

/** A page as OpenAI's clients read it; the ids of an empty one are empty, since the document allows no null. */
export function listOf<T extends { id: string }>({ items, more }: PageOf<T>) {
  return {
    object: 'list',
    data: items,
    first_id: items[0]?.id ?? '',
    last_id: items.at(-1)?.id ?? '',
    has_more: more,
  };
}
