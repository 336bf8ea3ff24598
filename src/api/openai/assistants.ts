import { isHoldfastError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { AssistantsCore } from './core.ts';
import { listOf, readPage } from './lists.ts';
import { checkModel } from './models.ts';
import type { Mount } from './mount.ts';
import { readMetadata, readTools, refuseToolResources } from './read-body.ts';
import { refusal } from './refusals.ts';
import type { ModifyAssistant } from './schema/bodies.ts';
import { assistantObject } from './views/assistant.ts';
import { settingsOf, settingsPatch } from './views/settings.ts';

/** `/assistants`: personas, each change a version. Those of holdfast.yaml are assistants by their key. */
export function mountAssistants(mount: Mount, holdfast: AssistantsCore): void {
  mount({ method: 'get', path: '/assistants', scope: 'runs:read' }, async ({ c, caller }) => {
    const { items, more } = await holdfast.pagePersonas(caller, readPage(c));
    return c.json(listOf({ items: items.map(assistantObject), more }));
  });

  mount(
    { method: 'post', path: '/assistants', scope: 'personas:write', body: 'CreateAssistantRequest' },
    async ({ c, caller, body, once }) => {
      const { name, description, instructions, metadata } = body;
      check(holdfast, body);
      const { value } = await holdfast.createPersona(
        caller,
        {
          key: newId('asst'),
          model: body.model,
          ...(name == null ? {} : { display_name: name }),
          ...(description == null ? {} : { description }),
          ...(instructions == null ? {} : { instructions }),
          metadata: readMetadata(metadata),
          functions: readTools(body.tools ?? []),
          settings: settingsOf(body),
        },
        once,
      );
      return c.json(assistantObject({ ...value, first_created_at: value.created_at }));
    },
  );

  mount({ method: 'get', path: '/assistants/{assistant_id}', scope: 'runs:read' }, async ({ c, caller, params }) =>
    c.json(assistantObject(await holdfast.newestPersona(caller, params.assistant_id))),
  );

  mount(
    { method: 'post', path: '/assistants/{assistant_id}', scope: 'personas:write', body: 'ModifyAssistantRequest' },
    async ({ c, caller, params, body }) => {
      const { name, description, instructions, metadata, model, tools } = body;
      check(holdfast, body);
      await holdfast.updatePersona(caller, params.assistant_id, {
        display_name: name,
        description,
        instructions,
        model,
        metadata: metadata === undefined ? undefined : readMetadata(metadata),
        functions: tools && readTools(tools),
        settings: settingsPatch(body),
      });
      return c.json(assistantObject(await holdfast.newestPersona(caller, params.assistant_id)));
    },
  );

  mount(
    { method: 'delete', path: '/assistants/{assistant_id}', scope: 'personas:write' },
    async ({ c, caller, params }) => {
      try {
        await holdfast.deletePersona(caller, params.assistant_id);
      } catch (error) {
        throw isHoldfastError(error, 'personas.configured') ? refusal(error.message) : error;
      }
      return c.json({ id: params.assistant_id, object: 'assistant.deleted', deleted: true });
    },
  );
}

function check(holdfast: AssistantsCore, body: ModifyAssistant): void {
  checkModel(holdfast, body.model);
  refuseToolResources(body.tool_resources);
}
