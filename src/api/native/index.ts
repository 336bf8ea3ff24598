import type { Holdfast } from '../../runs/holdfast.ts';
import type { ApiDialect } from '../app.ts';
import { createMount, type Mount } from '../endpoint.ts';
import { mountCreateRun } from './create-run.ts';
import { nativeDialect } from './dialect.ts';
import { mountEvents } from './events.ts';
import { mountInputs } from './inputs.ts';
import { mountMessages } from './messages.ts';
import { mountPersonas } from './personas.ts';
import { mountRoutes } from './routes.ts';
import { mountRuns } from './runs.ts';
import { mountThreads } from './threads.ts';

/** The native API. */
export const nativeApi: ApiDialect = {
  ...nativeDialect,
  mount: (app, holdfast, inFlight) => mountNative(createMount(app, inFlight), holdfast),
};

/** Every endpoint of the native API. */
function mountNative(mount: Mount, holdfast: Holdfast): void {
  mountThreads(mount, holdfast);
  mountMessages(mount, holdfast);
  mountCreateRun(mount, holdfast);
  mountRuns(mount, holdfast);
  mountEvents(mount, holdfast);
  mountInputs(mount, holdfast);
  mountPersonas(mount, holdfast);
  mountRoutes(mount, holdfast);
}
