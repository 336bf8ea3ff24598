import { Slots } from '../slots.ts';
import { demoSource } from './demo/model.ts';
import { checkRoute, describeRoute } from './routes.ts';
import { runStep, type Source, type StepLimits, type StepObserver } from './step.ts';
import { type SdkRouteConfig, threadedSources } from './thread/threaded-sources.ts';
import type { ModelRequest, Models, Route, RouteConfig } from './types.ts';

type OpenRoute = { route: Route; source: Source; limits: StepLimits };

/**
 * Opens the configured routes. Throws HoldfastError `config.invalid` naming the route that lacks its key, model or
 * address. Nothing is sent to any provider before the first step. Keys stay in closures: no Route carries one. `observe` is asked
 * for an observer of each step.
 */
export async function openModels(configs: RouteConfig[], observe?: (route: Route) => StepObserver): Promise<Models> {
  for (const config of configs) checkRoute(config);
  const ofProviders = configs.filter((config): config is SdkRouteConfig => config.provider !== 'demo');
  const threaded = ofProviders.length > 0 ? await threadedSources(ofProviders) : undefined;
  const sourceOf = ({ id, provider }: RouteConfig) => (provider === 'demo' ? undefined : threaded?.(id)) ?? demoSource;
  const open = new Map(configs.map((config) => [config.id, openRoute(config, sourceOf(config))]));
  const all = [...open.values()].map((it) => it.route);
  return {
    routes: () => all,
    route: (id) => open.get(id)?.route,
    find: (name) =>
      open.get(name)?.route ??
      all.find((route) => route.aliases.includes(name)) ??
      all.find((route) => route.model === name),
    stream(route: Route, request: ModelRequest, signal: AbortSignal) {
      const opened = open.get(route.id);
      if (!opened) throw new TypeError(`Route "${route.id}" is not one of these models.`);
      return runStep(opened.source, opened.limits, request, signal, observe?.(opened.route));
    },
  };
}

function openRoute(config: RouteConfig, source: Source): OpenRoute {
  const route = Object.freeze(describeRoute(config));
  const limits = { slots: new Slots(route.max_concurrency), idleTimeoutS: route.idle_timeout_s };
  return { route, source, limits };
}
