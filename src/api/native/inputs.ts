import { z } from '@hono/zod-openapi';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Mount } from '../endpoint.ts';
import { LINK_HEADER, list, noteReplay, REPLAYED_HEADER } from './answers.ts';
import { runParam } from './path-params.ts';
import { Ok } from './schemas/fields.ts';
import { InputAnswer } from './schemas/inputs.ts';
import { pageQuery } from './schemas/lists.ts';
import { OpenRequest } from './schemas/runs.ts';

const DESCRIPTION = `Answers the request with \`request_id\`, else the one that is open.

| kind | answered by \`content\` |
|---|---|
| \`question\` | free text |
| \`approval\` | \`approve\`, \`deny\`, \`deny: <reason>\` |
| \`tool_outputs\` | none: \`tool_outputs\`, all calls at once |
| \`budget\` | \`stop\`, \`raise\` (doubles the limit reached), \`raise {"max_cost_usd": 5}\` |
| \`unknown_outcome\` | \`retry\`, \`skip\`, \`result: <text>\` |`;

/** The open requests of an organisation, and answering one. */
export function mountInputs(mount: Mount, holdfast: Holdfast): void {
  mount(
    {
      method: 'post',
      path: '/v1/runs/{run_id}/input',
      scope: 'runs:write',
      id: 'answerRun',
      tag: 'Inputs',
      summary: 'Answer a run that waits for input',
      description: DESCRIPTION,
      params: runParam,
      body: InputAnswer,
      answers: { 200: { description: 'The answer was accepted', json: Ok, headers: REPLAYED_HEADER } },
      conflicts: ['runs.not_waiting', 'runs.not_active', 'runs.input_stale', 'runs.input_ambiguous'],
    },
    async ({ c, caller, params, body, once }) =>
      c.json(noteReplay(c, await holdfast.answerRun(caller, params.run_id, body, once))),
  );

  mount(
    {
      method: 'get',
      path: '/v1/inputs',
      scope: 'runs:read',
      id: 'listInputs',
      tag: 'Inputs',
      summary: 'List the organisation’s open requests, oldest first',
      query: z.strictObject(pageQuery),
      answers: { 200: { description: 'Open requests', json: z.array(OpenRequest), headers: LINK_HEADER } },
    },
    async ({ c, caller, query }) => list(c, await holdfast.listInputs(caller, query), (input) => input.request_id),
  );
}
