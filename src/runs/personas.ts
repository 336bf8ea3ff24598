/** Personas: what a run is made from. A version never changes; configuration and API both only add versions. */
import type { FileConfig } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { DELETED, type PersonaRecord } from '../journal/transactions/personas.ts';
import type { Models } from '../models/types.ts';
import { checkToolNames } from '../tools/configured.ts';
import { clientTools } from './create.ts';
import { type DatedRecord, newestPersonas, pagePersonas } from './cursor-pages.ts';
import type { CursorPage, DatedPersona } from './dialect-types.ts';
import { invalidField, unknownCursor } from './invalid-field.ts';
import type {
  Caller,
  Effect,
  Idempotency,
  Page,
  PageOf,
  PersonaDefinition,
  PersonaPatch,
  PersonaView,
} from './types.ts';
import { timeOf } from './views.ts';

const DEFAULT_INPUT_TIMEOUT_S = 604_800;
/** Personas of an organisation that a list shows. */
const MAX_LISTED = 1_000;

type StoredPersona = Omit<PersonaView, 'key' | 'version' | 'created_at'>;

export class Personas {
  readonly #journal: Journal;
  readonly #models: Models;
  readonly #file: FileConfig;
  readonly #synced = new Set<string>();

  constructor(journal: Journal, models: Models, file: FileConfig) {
    this.#journal = journal;
    this.#models = models;
    this.#file = file;
  }

  /** The newest version of each, newest first; `before` is the `key` or `key@version` of the last one seen. */
  async list(caller: Caller, page: Page): Promise<PageOf<PersonaView>> {
    await this.#sync(caller.org_id);
    const rows = await newestPersonas(this.#journal.db, caller.org_id)
      .orderBy('personas.created_at', 'desc')
      .orderBy('personas.key')
      .limit(MAX_LISTED)
      .execute();
    const seen = page.before?.split('@')[0];
    const last = rows.findIndex((row) => row.key === seen);
    if (seen !== undefined && last === -1) throw unknownCursor('before', String(page.before));
    const rest = rows.slice(last + 1);
    return { items: rest.slice(0, page.limit).map(personaView), more: rest.length > page.limit };
  }

  /** `key` for the newest version, or `key@version`. Errors: `personas.not_found`. */
  async get(orgId: string, ref: string): Promise<PersonaView> {
    await this.#sync(orgId);
    const [, key = '', version] = /^([^@]+)(?:@([1-9]\d{0,8}))?$/.exec(ref) ?? [];
    let query = this.#journal.db.selectFrom('personas').selectAll().where('org_id', '=', orgId).where('key', '=', key);
    if (version !== undefined) query = query.where('version', '=', Number(version));
    const row = await query.orderBy('version', 'desc').limit(1).executeTakeFirst();
    if (!row || row.definition === DELETED) throw new HoldfastError('personas.not_found', `No persona ${ref}.`);
    return personaView(row);
  }

  /** The key of the persona that has this key; else those of the personas that have this display name. */
  async keysOf(orgId: string, name: string): Promise<string[]> {
    await this.#sync(orgId);
    const newest = newestPersonas(this.#journal.db, orgId);
    if (await newest.where('personas.key', '=', name).executeTakeFirst()) return [name];
    const personas = (await newest.execute()).map(personaView);
    return personas.filter((persona) => persona.display_name === name).map(({ key }) => key);
  }

  /** The newest version of each with the time of its first, in either order of that time. */
  async page(orgId: string, page: CursorPage): Promise<PageOf<DatedPersona>> {
    await this.#sync(orgId);
    const { items, more } = await pagePersonas(this.#journal.db, orgId, page);
    return { items: items.map(datedPersona), more };
  }

  /** Errors: `personas.not_found`. */
  async newest(orgId: string, key: string): Promise<DatedPersona> {
    await this.#sync(orgId);
    const row = await newestPersonas(this.#journal.db, orgId).where('personas.key', '=', key).executeTakeFirst();
    if (!row) throw new HoldfastError('personas.not_found', `No persona ${key}.`);
    return datedPersona(row);
  }

  /** The persona of a run that names none. */
  default(orgId: string): Promise<PersonaView> {
    return this.get(orgId, this.#file.default_persona);
  }

  /** Errors: `validation.failed` for a route, model or tool that does not exist. */
  async create(caller: Caller, definition: PersonaDefinition, once?: Idempotency): Promise<Effect<PersonaView>> {
    await this.#sync(caller.org_id);
    this.#check(definition);
    const stored = storedForm(definition);
    const effect = await this.#journal.write('createPersona', {
      org_id: caller.org_id,
      key: definition.key,
      definition: JSON.stringify(stored),
      ...(once ? { once } : {}),
    });
    return { ...effect, value: personaView(effect.value) };
  }

  /** Makes the next version from the newest one. Errors: `personas.not_found`, `validation.failed` as for `create`. */
  async update(caller: Caller, key: string, patch: PersonaPatch): Promise<PersonaView> {
    await this.#sync(caller.org_id);
    this.#check(patch);
    const defaults: Record<string, unknown> = storedForm({ key });
    const changed = Object.entries(patch)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => [field, value ?? defaults[field]]);
    // A persona has one way to its route.
    const route = patch.model !== undefined ? [['route_id', null]] : [];
    const effect = await this.#journal.write('updatePersona', {
      org_id: caller.org_id,
      key,
      patch: Object.fromEntries([...route, ...changed]),
    });
    return personaView(effect.value);
  }

  /** Errors: `personas.not_found`, `personas.configured`. */
  async delete(caller: Caller, key: string): Promise<void> {
    await this.#sync(caller.org_id);
    await this.#journal.write('deletePersona', { org_id: caller.org_id, key });
  }

  #check({ route_id, model, tools, functions }: PersonaPatch): void {
    const exist = this.#models.routes().map((route) => route.id);
    if (typeof route_id === 'string' && !this.#models.route(route_id)) {
      throw invalidField('route_id', `No route ${route_id}. There are: ${exist.join(', ')}.`);
    }
    if (typeof model === 'string' && !this.#models.find(model)) {
      throw invalidField('model', `No route serves the model ${model}. There are: ${exist.join(', ')}.`);
    }
    if (tools) checkToolNames(tools, this.#file, 'tools');
    if (functions) clientTools(functions.map((tool) => ({ type: 'function', function: tool })));
  }

  /** Once for each organisation in this process: what the configuration says becomes versions of its personas. */
  async #sync(orgId: string): Promise<void> {
    if (this.#synced.has(orgId)) return;
    const personas = this.#file.personas.map((persona) => ({
      key: persona.key,
      definition: JSON.stringify(storedForm({ ...persona, route_id: persona.route })),
    }));
    await this.#journal.write('syncPersonas', { org_id: orgId, personas });
    this.#synced.add(orgId);
  }
}

/** Every field with its default, those of personas made for a client's functions only where given, always in one order: two equal definitions are equal texts. */
function storedForm(definition: PersonaDefinition): StoredPersona {
  return {
    display_name: definition.display_name ?? definition.key,
    instructions: definition.instructions ?? '',
    model: definition.model ?? null,
    route_id: definition.route_id ?? null,
    tools: definition.tools ?? [],
    approval: definition.approval ?? {},
    budget: definition.budget ?? {},
    input_timeout_s: definition.input_timeout_s ?? DEFAULT_INPUT_TIMEOUT_S,
    ...(definition.description == null ? {} : { description: definition.description }),
    ...(definition.metadata ? { metadata: definition.metadata } : {}),
    ...(definition.functions ? { functions: definition.functions } : {}),
    ...(definition.settings ? { settings: definition.settings } : {}),
  };
}

function personaView(row: PersonaRecord): PersonaView {
  return {
    key: row.key,
    version: row.version,
    ...(JSON.parse(row.definition) as StoredPersona),
    created_at: timeOf(row.created_at),
  };
}

const datedPersona = (row: DatedRecord): DatedPersona => ({
  ...personaView(row),
  first_created_at: timeOf(row.first_created_at),
});
