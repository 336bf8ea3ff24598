import type { Holdfast } from '../../runs/holdfast.ts';
import type { Mount } from './mount.ts';
import { refusal } from './refusals.ts';

/** `GET /models`: every name by which a run may ask for a route. */
export function mountModels(mount: Mount, holdfast: Holdfast): void {
  mount({ method: 'get', path: '/models', scope: 'runs:read' }, ({ c }) => {
    const data = modelNames(holdfast).map((id) => ({ id, object: 'model', created: 0, owned_by: 'holdfast' }));
    return c.json({ object: 'list', data });
  });
}

/** Errors: refused with `model_not_found`, naming the models that there are. */
export function checkModel(holdfast: Holdfast, model: string | null | undefined): void {
  if (model == null || modelNames(holdfast).includes(model)) return;
  const message = `The model '${model}' does not exist. There are: ${modelNames(holdfast).join(', ')}.`;
  throw refusal(message, { param: 'model', code: 'model_not_found' });
}

function modelNames(holdfast: Holdfast): string[] {
  return [...new Set(holdfast.routes().flatMap((route) => [route.id, ...route.aliases, route.model]))];
}
