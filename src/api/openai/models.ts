import type { AssistantsCore } from './core.ts';
import type { Mount } from './mount.ts';
import { refusal } from './refusals.ts';

/** `GET /models`: every name by which a run may ask for a route. */
export function mountModels(mount: Mount, holdfast: AssistantsCore): void {
  mount({ method: 'get', path: '/models', scope: 'runs:read' }, ({ c }) => {
    const data = modelNames(holdfast).map((id) => ({ id, object: 'model', created: 0, owned_by: 'holdfast' }));
    return c.json({ object: 'list', data });
  });
}

/** Errors: refused with `model_not_found`, naming the models that there are. */
export function checkModel(holdfast: AssistantsCore, model: string | null | undefined): void {
  if (model == null || isModel(holdfast, model)) return;
  const message = `The model '${model}' does not exist. There are: ${modelNames(holdfast).join(', ')}.`;
  throw refusal(message, { param: 'model', code: 'model_not_found' });
}

/** Whether a run may ask for a route by this name. */
export const isModel = (holdfast: Pick<AssistantsCore, 'routes'>, name: string): boolean =>
  modelNames(holdfast).includes(name);

function modelNames(holdfast: Pick<AssistantsCore, 'routes'>): string[] {
  return [...new Set(holdfast.routes().flatMap((route) => [route.id, ...route.aliases, route.model]))];
}
