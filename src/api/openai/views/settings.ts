/** What is said of a model's use, between OpenAI's fields and the core's. */
import type { ModelSettings, ResponseFormat } from '../../../models/types.ts';
import type { FunctionTool } from '../../../runs/types.ts';
import type * as Body from '../schema/bodies.ts';

/** What the original used where nothing was asked for. */
const DEFAULT_TEMPERATURE = 1;
const DEFAULT_TOP_P = 1;

type Given = Body.ModelFields & Pick<Body.CreateRun, 'tool_choice' | 'parallel_tool_calls'>;
/** Null: back to the provider's own choice. */
export type SettingsPatch = { [Name in keyof ModelSettings]?: ModelSettings[Name] | null };

/** The fields that a body gives. */
export function settingsPatch(given: Given): SettingsPatch {
  const { temperature, top_p, reasoning_effort, parallel_tool_calls, response_format, tool_choice } = given;
  const patch: SettingsPatch = {
    temperature,
    top_p,
    reasoning_effort,
    parallel_tool_calls,
    response_format: response_format && readFormat(response_format),
    tool_choice: tool_choice && readChoice(tool_choice),
  };
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
}

/** The fields that a body gives a value to. */
export function settingsOf(given: Given): ModelSettings {
  return Object.fromEntries(Object.entries(settingsPatch(given)).filter(([, value]) => value !== null));
}

function readFormat(format: Body.ResponseFormat): ResponseFormat | null {
  if (format === 'auto') return null;
  if (format.type !== 'json_schema') return format;
  const { name, description, schema, strict } = format.json_schema;
  return {
    type: 'json_schema',
    name,
    ...(description === undefined ? {} : { description }),
    schema: schema ?? {},
    ...(strict == null ? {} : { strict }),
  };
}

function readChoice(choice: Body.ToolChoice): ModelSettings['tool_choice'] {
  return typeof choice === 'string' ? choice : { name: choice.function?.name ?? '' };
}

/** The fields that assistants and runs both show. */
export function shownSettings(settings: ModelSettings) {
  return {
    temperature: settings.temperature ?? DEFAULT_TEMPERATURE,
    top_p: settings.top_p ?? DEFAULT_TOP_P,
    response_format: shownFormat(settings.response_format),
  };
}

/** The fields that runs alone show. */
export function shownCalling({ tool_choice, parallel_tool_calls }: ModelSettings) {
  return {
    tool_choice:
      typeof tool_choice === 'object'
        ? { type: 'function', function: { name: tool_choice.name } }
        : (tool_choice ?? 'auto'),
    parallel_tool_calls: parallel_tool_calls ?? true,
  };
}

function shownFormat(format: ResponseFormat | undefined) {
  if (format?.type !== 'json_schema') return format ?? 'auto';
  const { type, ...json_schema } = format;
  return { type, json_schema };
}

export const shownTools = (functions: FunctionTool['function'][]) =>
  functions.map((tool) => ({ type: 'function', function: tool }));
