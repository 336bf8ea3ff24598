/** Puts the parts of a process together: journal, models, Temporal, the core and its background work. */
import type { Logger } from 'pino';
import type { ActivityDeps } from '../../activities/index.ts';
import { patientWrite } from '../../activities/patience.ts';
import type { Config } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import type { Models } from '../models/types.ts';
import { createChildPreparer } from '../runs/child.ts';
import type { Holdfast } from '../runs/holdfast.ts';
import { openHoldfast } from '../runs/open-holdfast.ts';
import { Personas } from '../runs/personas.ts';
import { addGauges } from '../telemetry/gauges.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Delivery } from '../temporal/delivery.ts';
import { Engine } from '../temporal/engine.ts';
import type { TemporalLink } from '../temporal/link.ts';
import { namespaceIsKnown } from '../temporal/namespace-identity.ts';
import { Relay } from '../temporal/relay.ts';
import { createSettle } from '../temporal/settle.ts';
import type { Toolbox } from '../tools/toolbox.ts';
import { createReadiness } from './readiness.ts';

export type Core = {
  holdfast: Holdfast;
  relay: Relay;
  engine: Engine;
  activities: Omit<ActivityDeps, 'handover'>;
  close(): Promise<void>;
};

export function openCore(options: {
  config: Config;
  journal: Journal;
  models: Models;
  link: TemporalLink;
  /** The Temporal server is the local one of this data directory. */
  ownServer: boolean;
  uiUrl: () => string | null;
  tools: Toolbox;
  telemetry: Telemetry;
  log: Logger;
}): Core {
  const { config, journal, models, link, telemetry, log, ownServer } = options;
  const engine = new Engine(link, config.taskQueue);
  const mayRebuild = async () => namespaceIsKnown(journal, await link.connected(), ownServer);
  const settle = createSettle({ journal, engine, log, mayRebuild });
  const delivery = new Delivery({ journal, engine, settle, log });
  const retention = {
    days: config.file.retention_days,
    purged: (what: string, count: number) => telemetry.metrics.purged.inc({ what }, count),
  };
  const relay = new Relay({ journal, engine, delivery, settle, log, retention, ownServer });
  const personas = new Personas(journal, models, config.file);
  const holdfast = openHoldfast({
    journal,
    models,
    engine,
    personas,
    file: config.file,
    uiUrl: options.uiUrl,
    log,
    readiness: createReadiness({ journal, engine, mayRebuild }),
  });
  addGauges(telemetry.metrics, {
    journal,
    log,
    readers: () => holdfast.readers(),
    temporalReachable: () => link.current() !== undefined && !delivery.outage,
  });
  return {
    holdfast,
    relay,
    engine,
    activities: {
      journal,
      models,
      tools: options.tools,
      log,
      telemetry,
      write: patientWrite(journal),
      prepareChild: createChildPreparer(personas, models, config.file),
      activeLimit: config.file.limits.active_runs_per_org ?? null,
      cancelWorkflow: async (runId) => void (await engine.cancel(runId)),
    },
    async close() {
      holdfast.close();
      await delivery.close();
      await relay.close();
    },
  };
}
