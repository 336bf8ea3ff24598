/** The core over its journal and its engine: `Holdfast` as the dialects hold it. */
import type { Logger } from 'pino';
import type { FileConfig } from '../config.ts';
import { isHoldfastError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { Models } from '../models/types.ts';
import type { Engine } from '../temporal/engine.ts';
import { aliasesOf, resolveAlias } from './aliases.ts';
import { asParts, prepareRun, written, writtenThread } from './create.ts';
import { EventFeed } from './event-feed.ts';
import type { Holdfast } from './holdfast.ts';
import { invalidField } from './invalid-field.ts';
import { openAuthentication } from './keys.ts';
import { findThread, listInputs, listMessages, listThreads } from './lists.ts';
import type { Personas } from './personas.ts';
import { readRuns } from './read-runs.ts';
import { findMessage, pageMessages } from './thread-messages.ts';
import { messageView, runMessageView, threadView } from './views.ts';

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

/** Opens the core; `close` ends its readers, `readers` counts them. */
export function openHoldfast(deps: HoldfastDeps): Holdfast & { close(): void; readers(): number } {
  const { journal, models, personas, file } = deps;
  const { db } = journal;
  const feed = new EventFeed(journal, (error) =>
    deps.log.warn({ error: (error as Error).message }, 'readers were not looked at'),
  );

  return {
    authenticate: openAuthentication(db),

    async createThread(caller, input, once) {
      const effect = await journal.write('createThread', {
        org_id: caller.org_id,
        ...writtenThread(input),
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
        ...written(input),
        ...(once ? { once } : {}),
      });
      return { ...effect, value: messageView(effect.value) };
    },
    async listMessages(caller, threadId, page) {
      const { items, more } = await listMessages(db, caller.org_id, threadId, page);
      return { items: items.map(messageView), more };
    },

    async pageMessages(caller, threadId, page) {
      return await pageMessages(db, caller.org_id, threadId, page);
    },
    getMessage: (caller, threadId, messageId) => findMessage(db, caller.org_id, threadId, messageId),
    async updateMessage(caller, threadId, messageId, { metadata }) {
      await findThread(db, caller.org_id, threadId);
      const ref = { org_id: caller.org_id, thread_id: threadId, message_id: messageId };
      await journal.write('updateMessage', { ...ref, metadata });
      return await findMessage(db, caller.org_id, threadId, messageId);
    },
    async deleteMessage(caller, threadId, messageId) {
      await findThread(db, caller.org_id, threadId);
      await journal.write('deleteMessage', { org_id: caller.org_id, thread_id: threadId, message_id: messageId });
    },

    async createRun(caller, threadId, input, once) {
      const persona =
        input.persona_id === undefined
          ? await personas.default(caller.org_id)
          : await personas.get(caller.org_id, input.persona_id).catch((error: unknown) => {
              throw isHoldfastError(error, 'personas.not_found') ? invalidField('persona_id', error.message) : error;
            });
      const effect = await journal.write('createRun', {
        caller,
        thread_id: threadId,
        ...prepareRun(input, persona, models, file),
        on_busy: input.on_busy ?? 'reject',
        active_limit: file.limits.active_runs_per_org ?? null,
        ...(input.alias ? { alias: input.alias } : {}),
        ...(once ? { once } : {}),
      });
      return effect;
    },
    ...readRuns({ ...deps, feed }),
    async updateRun(caller, runId, { metadata }) {
      await journal.write('updateRun', { org_id: caller.org_id, run_id: runId, metadata });
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
    answerAll: (caller, runId, answers, once) =>
      journal.write('answerAll', { org_id: caller.org_id, run_id: runId, answers, ...(once ? { once } : {}) }),
    listInputs: (caller, page) => listInputs(db, caller.org_id, page),
    listPersonas: (caller, page) => personas.list(caller, page),
    getPersona: (caller, ref) => personas.get(caller.org_id, ref),
    createPersona: (caller, definition, once) => personas.create(caller, definition, once),
    pagePersonas: (caller, page) => personas.page(caller.org_id, page),
    newestPersona: (caller, key) => personas.newest(caller.org_id, key),
    keysOf: (caller, name) => personas.keysOf(caller.org_id, name),
    updatePersona: (caller, key, patch) => personas.update(caller, key, patch),
    deletePersona: (caller, key) => personas.delete(caller, key),
    resolveAlias: (caller, kind, alias) => resolveAlias(db, caller.org_id, kind, alias),
    aliasesOf: (caller, kind, ids, make) => aliasesOf(journal, caller, kind, ids, make),
    routes: () => models.routes(),
    readiness: deps.readiness,
    close: () => feed.close(),
    readers: () => feed.readers,
  };
}
