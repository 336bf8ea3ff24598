/** A line of the demo model's script, parsed. */
export type Directive =
  | { kind: 'say'; text: string }
  | { kind: 'stream'; chunks: number; delayMs: number }
  | { kind: 'think'; ms: number }
  | { kind: 'call'; name: string; arguments: unknown; parallel: boolean }
  | { kind: 'fail'; status: number; retryAfterS: number | undefined; times: number }
  | { kind: 'usage'; input: number | undefined; cached: number | undefined; output: number | undefined };

/** A script with a line that cannot be understood: what to tell the user instead of running any of it. */
export type BadScript = { problem: string };

const KNOWN = '/say, /stream, /think, /ask, /tool, /parallel, /fail and /usage';
const DEFAULT_CHUNKS = 100;
const DEFAULT_THINK_MS = 1_000;
const DEFAULT_FAIL_STATUS = 500;
/** About 100 chunks a second unless told. */
export const DEFAULT_DELAY_MS = 10;

/** Whether a message scripts the demo model. */
export function isScript(text: string): boolean {
  return text.trimStart().startsWith('/');
}

/**
 * Reads a script: one directive a line, in order. A line that is no directive is said as it is. Under `/parallel` the tool lines up to
 * a blank line (or any other directive) belong to one call: all but the first are marked `parallel`.
 */
export function readScript(text: string): Directive[] | BadScript {
  const directives: Directive[] = [];
  let group: 'none' | 'first' | 'more' = 'none';
  for (const [index, raw] of text.trim().split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line === '/parallel') {
      group = line === '' ? 'none' : 'first';
      continue;
    }
    const directive = readLine(line);
    if (typeof directive === 'string') return { problem: `Line ${index + 1}, "${line}": ${directive}` };
    if (directive.kind !== 'call') group = 'none';
    else {
      directive.parallel = group === 'more';
      if (group === 'first') group = 'more';
    }
    directives.push(directive);
  }
  return directives;
}

/** The directive, or what is wrong with the line. */
function readLine(line: string): Directive | string {
  if (!line.startsWith('/')) return { kind: 'say', text: line };
  const [, word = '', rest = ''] = /^(\/\S*)\s*([\s\S]*)$/.exec(line) ?? [];
  switch (word) {
    case '/say':
      return { kind: 'say', text: rest };
    case '/ask':
      if (rest === '') return 'a question is missing, as in /ask Which colour?';
      return { kind: 'call', name: 'ask_user', arguments: { question: rest }, parallel: false };
    case '/tool':
      return readTool(rest);
    case '/stream':
      return withNumbers(rest, ['chunks', 'delay_ms'], (it) => ({
        kind: 'stream',
        chunks: it.chunks ?? DEFAULT_CHUNKS,
        delayMs: it.delay_ms ?? DEFAULT_DELAY_MS,
      }));
    case '/think':
      return withNumbers(rest, ['ms'], (it) => ({ kind: 'think', ms: it.ms ?? DEFAULT_THINK_MS }));
    case '/fail':
      return withNumbers(rest, ['status', 'retry_after', 'times'], (it) => {
        const status = it.status ?? DEFAULT_FAIL_STATUS;
        if (status < 400 || status > 599) return 'status must be an HTTP error, 400 to 599.';
        return { kind: 'fail', status, retryAfterS: it.retry_after, times: it.times ?? 1 };
      });
    case '/usage':
      return withNumbers(rest, ['input', 'cached', 'output'], (it) => ({
        kind: 'usage',
        input: it.input,
        cached: it.cached,
        output: it.output,
      }));
    default:
      return `the demo model has no such directive. It knows ${KNOWN}.`;
  }
}

function readTool(rest: string): Directive | string {
  const [, name = '', json = ''] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (name === '') return 'a tool is missing, as in /tool get_weather {"city": "Oslo"}';
  try {
    return { kind: 'call', name, arguments: json === '' ? {} : JSON.parse(json), parallel: false };
  } catch (error) {
    return `the arguments are not JSON (${error instanceof Error ? error.message : String(error)}).`;
  }
}

/** Reads `key=number` pairs, all optional, no others allowed. */
function withNumbers<K extends string>(
  rest: string,
  keys: K[],
  build: (numbers: Partial<Record<K, number>>) => Directive | string,
): Directive | string {
  const numbers: Partial<Record<K, number>> = {};
  for (const pair of rest.split(/\s+/).filter((it) => it !== '')) {
    const [, key, value] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(pair) ?? [];
    const known = keys.find((it) => it === key);
    if (known === undefined)
      return `"${pair}" is not understood; expected ${keys.map((it) => `${it}=number`).join(' ')}.`;
    numbers[known] = Number(value);
  }
  return build(numbers);
}
