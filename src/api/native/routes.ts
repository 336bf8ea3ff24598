import { z } from '@hono/zod-openapi';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Mount } from '../endpoint.ts';
import { Route } from './schemas/personas.ts';

/** `GET /v1/routes`. */
export function mountRoutes(mount: Mount, holdfast: Holdfast): void {
  mount(
    {
      method: 'get',
      path: '/v1/routes',
      scope: 'runs:read',
      id: 'listRoutes',
      tag: 'Personas and routes',
      summary: 'List the configured model routes, without secrets',
      answers: { 200: { description: 'Routes', json: z.array(Route) } },
    },
    ({ c }) => c.json(holdfast.routes()),
  );
}
