/** The ids of Minds: aliases of ours in both directions, for one caller. */
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../errors.ts';
import type { CursorPage } from '../../runs/dialect-types.ts';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { AliasKind, Caller } from '../../runs/types.ts';
import { invalidValue } from '../openai/refusals.ts';

const PREFIXES: Record<AliasKind, string> = { thread: 'mdb_thread_', run: 'mdb_run_', persona: 'mdb_asst_' };
/** Ids that this server makes, which no text holds by chance. */
const OURS = /^[a-z]+_[0-9a-z]{29}$/;
const RUN_NAME = /^mdb_run_[0-9a-f]{32}$/;

export const newAlias = (kind: AliasKind): string => PREFIXES[kind] + randomBytes(16).toString('hex');

/** Errors: refused unless it is `mdb_run_` and 32 hex digits. */
export function checkRunName(name: string): void {
  if (RUN_NAME.test(name)) return;
  throw invalidValue(
    'run_id',
    `Invalid 'run_id': expected 'mdb_run_' and 32 hex digits (0-9, a-f), but got '${name}'.`,
  );
}

/** The names in one call of the core: ids that the client gave, and ids that are shown to it. */
export class Names {
  readonly #holdfast: Holdfast;
  readonly #caller: Caller;
  /** What the client called the things whose ids it gave. */
  readonly #given = new Map<string, string>();

  constructor(holdfast: Holdfast, caller: Caller) {
    this.#holdfast = holdfast;
    this.#caller = caller;
  }

  /**
   * The id of what the client calls so. Our own ids are taken too, for things that were made by another dialect; so is what names
   * nothing, for the core to say so. Errors: refused for a name that several assistants have.
   */
  async id(kind: AliasKind, name: string): Promise<string> {
    const id = (await this.#known(kind, name)) ?? name;
    this.#given.set(id, name);
    return id;
  }

  async #known(kind: AliasKind, name: string): Promise<string | undefined> {
    const known = name.startsWith(PREFIXES[kind])
      ? await this.#holdfast.resolveAlias(this.#caller, kind, name)
      : undefined;
    if (known !== undefined || kind !== 'persona') return known;
    const [key, another] = await this.#holdfast.keysOf(this.#caller, name);
    if (another === undefined) return key;
    throw invalidValue('assistant_id', `Several assistants are named '${name}': give the id of one.`);
  }

  /** A function that shows these ids as aliases, and nothing as itself. */
  async shown(kind: AliasKind, ids: (string | null)[]): Promise<<Id extends string | null>(id: Id) => Id | string> {
    const some = ids.filter((id) => id !== null);
    if (some.length === 0) return (id) => id;
    const aliases = await this.#holdfast.aliasesOf(this.#caller, kind, some, () => newAlias(kind));
    return (id) => (id === null ? id : (aliases.get(id) ?? id));
  }

  /** What the core refused, with the client's own names for what it gave, and an alias for the run that stands in its way. */
  async retold(error: unknown): Promise<unknown> {
    if (!(error instanceof HoldfastError)) return error;
    const { code, details, retryAfterS } = error;
    let message = error.message;
    for (const [id, name] of this.#given) if (OURS.test(id)) message = message.replaceAll(id, name);
    const active = details?.active_run_id;
    if (typeof active !== 'string') return new HoldfastError(code, message, { details, retryAfterS, cause: error });
    const show = await this.shown('run', [active]);
    return new HoldfastError(code, message.replaceAll(active, show(active)), {
      details: { ...details, active_run_id: show(active) },
      retryAfterS,
      cause: error,
    });
  }
}

/** The cursors of a page in the core's ids. */
export async function cursorsOf(names: Names, kind: AliasKind, { after, before, ...page }: CursorPage) {
  return {
    ...page,
    ...(after === undefined ? {} : { after: await names.id(kind, after) }),
    ...(before === undefined ? {} : { before: await names.id(kind, before) }),
  };
}
