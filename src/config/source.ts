/** A YAML file whose parts know their line: what a message about it points to. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import { HoldfastError } from '../errors.ts';

export type Path = readonly (string | number)[];

export type Source = {
  document: Document;
  /** A `config.invalid` about the value at `path`, or about its `key`: one line with file, line, column and path. */
  refuse(path: Path, message: string, key?: string): HoldfastError;
};

/** Parses `text`. Errors: `config.invalid` for what is not YAML. */
export function parseSource(file: string, text: string): Source {
  const lines = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number, message: string) => {
    const { line, col } = lines.linePos(offset);
    return new HoldfastError('config.invalid', `${file}:${line}:${col}: ${message}`);
  };
  const broken = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])[0];
  if (broken) throw at(broken.pos[0], `not valid YAML: ${withoutSource(broken.message)}`);
  visit(document, {
    Alias(_, alias) {
      if (!alias.resolve(document)) throw at(alias.range?.[0] ?? 0, 'not valid YAML: an alias without its anchor');
    },
  });
  return {
    document,
    refuse: (path, message, key) => {
      const where = formatPath(key === undefined ? path : [...path, key]);
      return at(offsetOf(document, path, key), where === '' ? message : `${where}: ${message}`);
    },
  };
}

/** Every text of the document with the path to it. Keys are no values: they stay as they are written. */
export function* textsOf(document: Document): Generator<{ path: Path; scalar: Scalar<string> }> {
  yield* textsBelow(document, document.contents, []);
}

function* textsBelow(document: Document, node: unknown, path: Path): Generator<{ path: Path; scalar: Scalar<string> }> {
  if (isScalar<string>(node) && typeof node.value === 'string') yield { path, scalar: node };
  if (isMap(node)) for (const pair of node.items) yield* textsBelow(document, pair.value, [...path, keyOf(pair.key)]);
  if (isSeq(node))
    for (const [index, item] of node.items.entries()) yield* textsBelow(document, item, [...path, index]);
}

/** `routes[1].price.input`; a key with other characters is quoted: `tools["files/write"]`. */
function formatPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[\w-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

/** Where the value at `path` is written, or the nearest part of the file around a value that is absent. */
function offsetOf(document: Document, path: Path, key?: string): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    node = child(document, node, part);
    offset = startOf(node) ?? offset;
    if (node === undefined) return offset;
  }
  const map = isAlias(node) ? node.resolve(document) : node;
  if (key === undefined || !isMap(map)) return offset;
  return startOf(map.items.find((pair) => keyOf(pair.key) === key)?.key) ?? offset;
}

function child(document: Document, parent: unknown, part: string | number): unknown {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isMap(node)) {
    const pair = node.items.find((item) => keyOf(item.key) === String(part));
    // A key without a value is written where its key is.
    return startOf(pair?.value) === undefined ? pair?.key : pair?.value;
  }
  return isSeq(node) ? node.items[Number(part)] : undefined;
}

function keyOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** The parser quotes the file after a colon, and the file may hold a key: only what is before it is said. */
function withoutSource(message: string): string {
  return message.split(':')[0] ?? message;
}
