/** What a create asks for, merged with its persona into what the run will be. */
import type { FileConfig } from '../config.ts';
import { LIMITS } from '../journal/budget.ts';
import type { PreparedRun } from '../journal/insert-run.ts';
import type { RunSpec } from '../journal/run-row.ts';
import type { WrittenMessage } from '../journal/transactions/messages.ts';
import type { WrittenThread } from '../journal/transactions/threads.ts';
import type { ContentPart, Models, Route } from '../models/types.ts';
import { checkToolNames } from '../tools/configured.ts';
import type { OwnTerm } from './dialect-types.ts';
import { invalidField } from './invalid-field.ts';
import type { Budget, CreateRun, FunctionTool, NewMessage, NewThread, PersonaView } from './types.ts';

type Prepared = PreparedRun & { persona_id: string; thread?: WrittenThread };

/** Errors: `validation.failed` naming the field and what exists. */
export function prepareRun(input: CreateRun, persona: PersonaView, models: Models, file: FileConfig): Prepared {
  const route = chooseRoute(input, persona, models);
  const budget = tighten(persona.budget, input.budget ?? {});
  if (budget.max_cost_usd !== undefined && route.price === null) {
    throw invalidField('budget.max_cost_usd', `The route ${route.id} has no price: a limit in dollars cannot be kept.`);
  }
  const names = input.tools?.filter((tool) => typeof tool === 'string');
  if (names) checkToolNames(names, file, 'tools');
  const functions = input.tools?.filter((tool): tool is FunctionTool => typeof tool !== 'string') ?? [];
  return {
    persona_id: `${persona.key}@${persona.version}`,
    route: { id: route.id, model: route.model, fallback: route.fallback, price: route.price },
    spec: {
      instructions: input.instructions ?? persona.instructions,
      additional_instructions: input.additional_instructions ?? '',
      // Functions alone come on top of the persona's tools; names replace them.
      tools: names && names.length > 0 ? names : persona.tools,
      client_tools: input.tools === undefined ? (persona.functions ?? []) : clientTools(functions),
      approval: persona.approval,
      budget,
      input_timeout_s: persona.input_timeout_s,
      ...termsOf(input, persona),
    },
    metadata: input.metadata ?? {},
    input: input.input === undefined ? null : asParts(input.input),
    ...(input.messages ? { messages: input.messages.map(written) } : {}),
    ...(input.thread ? { thread: writtenThread(input.thread) } : {}),
    ...(input.expires_after_s === undefined ? {} : { expires_after_s: input.expires_after_s }),
  };
}

/** What a run asks of its model and of its own length; a field that nobody asked for is absent. */
function termsOf(input: CreateRun, persona: PersonaView): Partial<RunSpec> {
  const asked_model = input.model ?? persona.model ?? undefined;
  const settings = { ...persona.settings, ...input.settings };
  const own = ownTerms(input);
  const { max_prompt_tokens, max_completion_tokens, last_messages } = input;
  return {
    ...(asked_model === undefined ? {} : { asked_model }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
    ...(own.length === 0 ? {} : { own }),
    ...(max_prompt_tokens === undefined ? {} : { max_prompt_tokens }),
    ...(max_completion_tokens === undefined ? {} : { max_completion_tokens }),
    ...(last_messages === undefined ? {} : { last_messages }),
  };
}

function ownTerms({ model, instructions, settings = {} }: CreateRun): OwnTerm[] {
  const given: { [Term in OwnTerm]?: unknown } = { model, instructions, ...settings };
  return (Object.keys(given) as OwnTerm[]).filter((term) => given[term] !== undefined);
}

export const written = (message: NewMessage): WrittenMessage => ({ ...message, content: asParts(message.content) });

export const writtenThread = ({ messages, ...thread }: NewThread): WrittenThread => ({
  ...thread,
  ...(messages ? { messages: messages.map(written) } : {}),
});

export const asParts = (content: string | ContentPart[]): ContentPart[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

function chooseRoute(input: CreateRun, persona: PersonaView, models: Models): Route {
  const exist = () =>
    models
      .routes()
      .map((route) => [route.id, ...route.aliases].join(' = '))
      .join(', ');
  if (input.route_id !== undefined) {
    const route = models.route(input.route_id);
    if (!route) throw invalidField('route_id', `No route ${input.route_id}. There are: ${exist()}.`);
    const asked = input.model;
    if (asked !== undefined && ![route.id, route.model, ...route.aliases].includes(asked)) {
      throw invalidField('model', `The route ${route.id} does not serve the model ${asked}.`);
    }
    return route;
  }
  if (input.model !== undefined) {
    const route = models.find(input.model);
    if (!route) throw invalidField('model', `No route serves the model ${input.model}. There are: ${exist()}.`);
    return route;
  }
  const named = persona.route_id ?? persona.model ?? '';
  const route = models.route(named) ?? models.find(named) ?? (named === '' ? models.routes()[0] : undefined);
  if (!route) throw invalidField('persona_id', `The route ${named} of the persona ${persona.key} is not configured.`);
  return route;
}

/** Errors: `validation.failed` for two functions of one name. */
export function clientTools(tools: FunctionTool[]): RunSpec['client_tools'] {
  const names = new Set<string>();
  for (const { function: tool } of tools) {
    if (names.has(tool.name)) throw invalidField('tools', `Two functions are named ${tool.name}.`);
    names.add(tool.name);
  }
  return tools.map((tool) => tool.function);
}

/** A run's budget can only tighten its persona's. */
function tighten(persona: Budget, run: Budget): Budget {
  const limited = LIMITS.some((limit) => persona[limit] !== undefined);
  if (run.on_exceeded === 'ask' && limited && persona.on_exceeded !== 'ask') {
    throw invalidField(
      'budget.on_exceeded',
      'This persona fails a run whose budget is spent; a run cannot ask to raise it.',
    );
  }
  const budget: Budget = { ...persona, ...run };
  for (const limit of LIMITS) {
    const allowed = persona[limit];
    const asked = run[limit];
    if (allowed === undefined || asked === undefined || asked <= allowed) continue;
    throw invalidField(`budget.${limit}`, `${limit} is ${allowed} for this persona; a run can only lower it.`);
  }
  return budget;
}
