/** The core over its journal and its engine: `Holdfast` as the dialects hold it. */
import type { Logger } from 'pino';
import type { FileConfig } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { Models } from '../models/types.ts';
import type { Engine } from '../temporal/engine.ts';
import { asParts, prepareRun } from './create.ts';
import { EventFeed } from './event-feed.ts';
import type { Holdfast } from './holdfast.ts';
import { invalidField } from './invalid-field.ts';
import { authenticate } from './keys.ts';
import { findRun, findThread, listInputs, listMessages, listRuns, listThreads, pendingOf } from './lists.ts';
import { readLive } from './live.ts';
import type { Personas } from './personas.ts';
import { messageView, runDetails, runMessageView, runRow, threadView } from './views.ts';

export type HoldfastDeps = {
  journal: Journal;
  models: Models;
  engine: Engine;
  personas: Personas;
  file: FileConfig;
  /** The Temporal Web UI's address; null when nobody said where it is. */
  uiUrl: () => string | null;
  readiness: Holdfast['readiness'];
  log: Logger;
};

/** Opens the core; `close` ends its readers. */
export function openHoldfast(deps: HoldfastDeps): Holdfast & { close(): void } {
  const { journal, models, engine, personas, file } = deps;
  const { db } = journal;
  const feed = new EventFeed(journal, (error) =>
    deps.log.warn({ error: (error as Error).message }, 'readers were not looked at'),
  );

  return {
    authenticate: (token, traceId) => authenticate(db, token, traceId),

    async createThread(caller, input, once) {
      const effect = await journal.write('createThread', {
        org_id: caller.org_id,
        ...input,
        ...(once ? { once } : {}),
      });
      return { ...effect, value: threadView(effect.value) };
    },
    async listThreads(caller, page) {
      const { items, more } = await listThreads(db, caller.org_id, page);
      return { items: items.map(threadView), more };
    },
    async getThread(caller, threadId) {
      return threadView(await findThread(db, caller.org_id, threadId));
    },
    async updateThread(caller, threadId, patch) {
      return threadView(await journal.write('updateThread', { org_id: caller.org_id, thread_id: threadId, ...patch }));
    },
    async deleteThread(caller, threadId) {
      await journal.write('deleteThread', { org_id: caller.org_id, thread_id: threadId });
    },

    async createMessage(caller, threadId, input, once) {
      const effect = await journal.write('createMessage', {
        org_id: caller.org_id,
        thread_id: threadId,
        role: input.role,
        content: asParts(input.content),
        ...(once ? { once } : {}),
      });
      return { ...effect, value: messageView(effect.value) };
    },
    async listMessages(caller, threadId, page) {
      const { items, more } = await listMessages(db, caller.org_id, threadId, page);
      return { items: items.map(messageView), more };
    },

    async createRun(caller, threadId, input, once) {
      const persona =
        input.persona_id === undefined
          ? await personas.default(caller.org_id)
          : await personas.get(caller.org_id, input.persona_id).catch((error: unknown) => {
              throw error instanceof HoldfastError ? invalidField('persona_id', error.message) : error;
            });
      const effect = await journal.write('createRun', {
        caller,
        thread_id: threadId,
        ...prepareRun(input, persona, models, file),
        on_busy: input.on_busy ?? 'reject',
        active_limit: file.limits.active_runs_per_org ?? null,
        ...(once ? { once } : {}),
      });
      return effect;
    },
    async listRuns(caller, filter, page) {
      const { items, more } = await listRuns(db, caller.org_id, filter, page);
      return { items: items.map((row) => runRow(row, file.credits_per_usd)), more };
    },
    async getRun(caller, runId, options) {
      const run = await findRun(db, caller.org_id, runId);
      const live = options?.live ? await readLive(engine, run) : undefined;
      const pending = run.ended ? [] : await pendingOf(db, caller.org_id, runId);
      const details = runDetails(run, pending, file.credits_per_usd, {
        workflow_id: run.id,
        run_id: run.temporal_run_id,
        namespace: engine.link.namespace,
        ui_url: workflowUrl(deps.uiUrl(), engine.link.namespace, run.id),
      });
      return options?.live ? { ...details, live: live ?? null } : details;
    },
    cancelRun: (caller, runId, once) =>
      journal.write('requestCancel', { caller, run_id: runId, ...(once ? { once } : {}) }),
    async addRunMessage(caller, runId, content, once) {
      const effect = await journal.write('addRunMessage', {
        org_id: caller.org_id,
        run_id: runId,
        content: asParts(content),
        ...(once ? { once } : {}),
      });
      return { ...effect, value: runMessageView(effect.value) };
    },

    async answerRun(caller, runId, answer, once) {
      const { replayed } = await journal.write('answerInput', {
        org_id: caller.org_id,
        run_id: runId,
        answer,
        ...(once ? { once } : {}),
      });
      return { value: { ok: true }, replayed };
    },
    async events(caller, runId, { afterSeq, follow, signal }) {
      let atEnd = false;
      const body = await feed.read(
        {
          org_id: caller.org_id,
          key_id: caller.key_id,
          run_id: runId,
          after_seq: afterSeq,
          follow,
          ...(signal ? { signal } : {}),
        },
        async () => {
          const run = await findRun(db, caller.org_id, runId);
          if (afterSeq > run.last_seq) {
            throw invalidField('after_seq', `after_seq ${afterSeq} is beyond the run's last event, ${run.last_seq}.`);
          }
          atEnd = run.ended === 1 && afterSeq === run.last_seq;
          return { last_seq: run.last_seq, ended: run.ended === 1 };
        },
      );
      return { atEnd, body };
    },

    listInputs: (caller, page) => listInputs(db, caller.org_id, page),
    listPersonas: (caller, page) => personas.list(caller, page),
    getPersona: (caller, ref) => personas.get(caller.org_id, ref),
    createPersona: (caller, definition, once) => personas.create(caller, definition, once),
    routes: () => models.routes(),
    readiness: deps.readiness,
    close: () => feed.close(),
  };
}

function workflowUrl(uiUrl: string | null, namespace: string, workflowId: string): string | null {
  return uiUrl === null ? null : `${uiUrl}/namespaces/${namespace}/workflows/${workflowId}`;
}
