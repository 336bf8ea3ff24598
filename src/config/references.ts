/** What one schema cannot see: names in the file that mean another part of it. */
import type { RouteConfig } from '../models/types.ts';
import type { FileConfig, ParsedFile, ParsedPersona, PersonaConfig } from './file-schema.ts';
import type { Source } from './source.ts';

/** Settles fallbacks, persona routes and the default persona. Errors: `config.invalid` for a name that means nothing or two things. */
export function settleReferences(file: ParsedFile, source: Source): Omit<FileConfig, 'path'> {
  refuseRepeatedNames(file.routes, source);
  refuseBrokenFallbacks(file.routes, source);
  const personas = settlePersonas(file, source);
  return { ...file, personas, default_persona: settleDefault(file.default_persona, personas, source) };
}

function refuseRepeatedNames(routes: RouteConfig[], source: Source): void {
  const ids = new Set<string>();
  for (const [index, { id }] of routes.entries()) {
    if (ids.has(id))
      throw source.refuse(['routes', index, 'id'], `expected an id of its own, ${id} is another route's`);
    ids.add(id);
  }
  const taken = new Set(ids);
  for (const [index, { aliases = [] }] of routes.entries()) {
    for (const [position, alias] of aliases.entries()) {
      if (taken.has(alias)) {
        const path = ['routes', index, 'aliases', position];
        throw source.refuse(path, `expected a name of its own, ${alias} is already a route's id or alias`);
      }
      taken.add(alias);
    }
  }
}

function refuseBrokenFallbacks(routes: RouteConfig[], source: Source): void {
  const byId = new Map(routes.map((route) => [route.id, route]));
  for (const [index, route] of routes.entries()) {
    if (route.fallback === undefined) continue;
    const path = ['routes', index, 'fallback'];
    if (!byId.has(route.fallback)) throw source.refuse(path, `expected the id of a route: ${names(routes, 'id')}`);
    const way = [route.id];
    for (let next = byId.get(route.fallback); next; next = byId.get(next.fallback ?? '')) {
      way.push(next.id);
      if (next === route) throw source.refuse(path, `expected fallbacks that end, these go round: ${way.join(' → ')}`);
      if (way.length > routes.length) break; // a circle further on: refused at a route that is part of it
    }
  }
}

function settlePersonas(file: ParsedFile, source: Source): PersonaConfig[] {
  const first = file.routes[0]?.id ?? '';
  if (file.personas === undefined) return [assistantOn(first)];
  const keys = new Set<string>();
  return file.personas.map((persona, index) => {
    const at = (field: string) => ['personas', index, field];
    if (keys.has(persona.key)) {
      throw source.refuse(at('key'), `expected a key of its own, ${persona.key} is another persona's`);
    }
    keys.add(persona.key);
    return { ...persona, route: settleRoute(persona, file.routes, (field, what) => source.refuse(at(field), what)) };
  });
}

function settleRoute(
  persona: ParsedPersona,
  routes: RouteConfig[],
  refuse: (field: string, message: string) => Error,
): string {
  const { route, model } = persona;
  if (route !== undefined) {
    if (routes.some((it) => it.id === route)) return route;
    throw refuse('route', `expected the id of a route: ${names(routes, 'id')}`);
  }
  if (model === undefined) return routes[0]?.id ?? '';
  // The order in which a run's `model` is looked up: id, then alias, then model name.
  const found =
    routes.find((it) => it.id === model) ??
    routes.find((it) => it.aliases?.includes(model)) ??
    routes.find((it) => it.model === model);
  if (found) return found.id;
  throw refuse('model', `expected the id, an alias or the model of a route: ${names(routes, 'id')}`);
}

function settleDefault(named: string | undefined, personas: PersonaConfig[], source: Source): string {
  if (named === undefined) return personas[0]?.key ?? '';
  if (personas.some((persona) => persona.key === named)) return named;
  throw source.refuse(['default_persona'], `expected the key of a persona: ${names(personas, 'key')}`);
}

function assistantOn(route: string): PersonaConfig {
  return {
    key: 'assistant',
    route,
    instructions: 'You are helpful.',
    tools: ['ask_user'],
    approval: {},
    budget: { on_exceeded: 'fail' },
    input_timeout_s: 604_800,
  };
}

function names<Field extends string>(items: readonly Record<Field, string>[], field: Field): string {
  return items.map((item) => item[field]).join(', ');
}
