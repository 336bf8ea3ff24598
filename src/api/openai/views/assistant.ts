import type { DatedPersona } from '../../../runs/dialect-types.ts';
import { shownSettings, shownTools } from './settings.ts';
import { unixSeconds } from './times.ts';

/** A persona as an assistant. Its server-side tools have no form here and are not shown. */
export function assistantObject(persona: DatedPersona) {
  return {
    id: persona.key,
    object: 'assistant',
    created_at: unixSeconds(persona.first_created_at),
    name: persona.display_name === persona.key ? null : persona.display_name,
    description: persona.description ?? null,
    model: persona.model ?? persona.route_id ?? '',
    instructions: persona.instructions === '' ? null : persona.instructions,
    tools: shownTools(persona.functions ?? []),
    tool_resources: {},
    metadata: persona.metadata ?? {},
    ...shownSettings(persona.settings ?? {}),
  };
}
