import { z } from '@hono/zod-openapi';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Mount } from '../endpoint.ts';
import { LINK_HEADER, list, noteReplay, REPLAYED_HEADER } from './answers.ts';
import { personaParam } from './path-params.ts';
import { Name } from './schemas/fields.ts';
import { pageQuery } from './schemas/lists.ts';
import { NewPersona, Persona } from './schemas/personas.ts';

/** `/v1/personas` and `/v1/personas/{key}[@version]`. */
export function mountPersonas(mount: Mount, holdfast: Holdfast): void {
  mount(
    {
      method: 'get',
      path: '/v1/personas',
      scope: 'runs:read',
      id: 'listPersonas',
      tag: 'Personas and routes',
      summary: 'List personas in their newest version, newest first',
      query: z.strictObject({
        ...pageQuery,
        before: Name.optional().openapi({ description: 'The `key` of the last persona seen' }),
      }),
      answers: { 200: { description: 'Personas', json: z.array(Persona), headers: LINK_HEADER } },
    },
    async ({ c, caller, query }) => list(c, await holdfast.listPersonas(caller, query), (persona) => persona.key),
  );

  mount(
    {
      method: 'post',
      path: '/v1/personas',
      scope: 'personas:write',
      id: 'createPersona',
      tag: 'Personas and routes',
      summary: 'Create a persona, or the next version of one',
      body: NewPersona,
      answers: { 201: { description: 'The persona', json: Persona, headers: REPLAYED_HEADER } },
    },
    async ({ c, caller, body, once }) => c.json(noteReplay(c, await holdfast.createPersona(caller, body, once)), 201),
  );

  mount(
    {
      method: 'get',
      path: '/v1/personas/{persona}',
      scope: 'runs:read',
      id: 'getPersona',
      tag: 'Personas and routes',
      summary: 'Get a persona',
      params: personaParam,
      answers: { 200: { description: 'The persona', json: Persona } },
    },
    async ({ c, caller, params }) => c.json(await holdfast.getPersona(caller, params.persona)),
  );
}
