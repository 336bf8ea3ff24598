/** A run's create body as the core takes it. */

import { isHoldfastError } from '../../errors.ts';
import type { DatedPersona } from '../../runs/dialect-types.ts';
import type { Caller, CreateRun as NewRun } from '../../runs/types.ts';
import type { AssistantsCore } from './core.ts';
import { checkModel } from './models.ts';
import { readMessages, readMetadata, readTools, refuseToolResources } from './read-body.ts';
import { invalidValue, notFound, refusal } from './refusals.ts';
import type { Bodies, CreateRun } from './schema/bodies.ts';
import { settingsOf } from './views/settings.ts';

/** Errors: a 404 for an unknown assistant; refused for what is not built, and for a model that does not exist. */
export async function readRun(
  holdfast: AssistantsCore,
  caller: Caller,
  body: Bodies['CreateRunRequest'] | Bodies['CreateThreadAndRunRequest'],
): Promise<NewRun> {
  checkModel(holdfast, body.model);
  if ('tool_resources' in body) refuseToolResources(body.tool_resources);
  const functions = body.tools ? readTools(body.tools) : undefined;
  const assistant = await findAssistant(holdfast, caller, body.assistant_id);
  checkChoice(body, functions ?? assistant.functions ?? []);
  const { model, instructions, additional_instructions, max_prompt_tokens, max_completion_tokens } = body;
  return {
    persona_id: `${assistant.key}@${assistant.version}`,
    metadata: readMetadata(body.metadata),
    settings: settingsOf(body),
    messages: readMessages(body.additional_messages, 'additional_messages'),
    ...(model == null ? {} : { model }),
    ...(instructions == null ? {} : { instructions }),
    ...(additional_instructions == null ? {} : { additional_instructions }),
    ...(functions ? { tools: functions.map((tool) => ({ type: 'function', function: tool })) } : {}),
    ...(max_prompt_tokens == null ? {} : { max_prompt_tokens }),
    ...(max_completion_tokens == null ? {} : { max_completion_tokens }),
    ...readTruncation(body),
  };
}

async function findAssistant(holdfast: AssistantsCore, caller: Caller, id: string): Promise<DatedPersona> {
  try {
    return await holdfast.newestPersona(caller, id);
  } catch (error) {
    throw isHoldfastError(error, 'personas.not_found') ? notFound('assistant', id) : error;
  }
}

/** A choice must be of a tool that the run has. */
function checkChoice({ tool_choice: choice }: CreateRun, functions: { name: string }[]): void {
  if (typeof choice !== 'object' || choice === null) return;
  if (choice.type !== 'function') {
    throw invalidValue('tool_choice.type', `The tool '${choice.type}' is not supported by this server.`);
  }
  const name = choice.function?.name;
  if (name === undefined) {
    const param = 'tool_choice.function';
    throw refusal(`Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' });
  }
  if (functions.some((tool) => tool.name === name)) return;
  throw invalidValue('tool_choice.function.name', `The run has no tool '${name}'.`);
}

function readTruncation({ truncation_strategy: strategy }: CreateRun): Pick<NewRun, 'last_messages'> {
  if (strategy?.type !== 'last_messages') return {};
  if (strategy.last_messages != null) return { last_messages: strategy.last_messages };
  const param = 'truncation_strategy.last_messages';
  throw refusal(`Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' });
}
