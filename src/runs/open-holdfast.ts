/** The core over its journal and its engine: `Holdfast` as the dialects hold it. */
import type { Logger } from 'pino';
import type { FileConfig } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { RunRecord } from '../journal/run-row.ts';
import type { Models } from '../models/types.ts';
import type { Engine } from '../temporal/engine.ts';
import { asParts, prepareRun, written, writtenThread } from './create.ts';
import { type DatedRecord, newestPersonas, pagePersonas, pageRuns } from './cursor-pages.ts';
import { EventFeed, type ReaderOptions, type Stored } from './event-feed.ts';
import type { Holdfast } from './holdfast.ts';
import { invalidField } from './invalid-field.ts';
import { authenticate } from './keys.ts';
import { findRun, findThread, listInputs, listMessages, listRuns, listThreads, pendingOf } from './lists.ts';
import { readLive } from './live.ts';
import { readMilestones } from './milestones.ts';
import { type Personas, personaView } from './personas.ts';
import { requestsOf, standingOf, termsOf } from './run-picture.ts';
import { findMessage, pageMessages } from './thread-messages.ts';
import type { Caller, DatedPersona, PendingInput, RunPicture } from './types.ts';
import { messageView, runDetails, runMessageView, runRow, threadView, timeOf } from './views.ts';

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
  const detailsOf = (run: RunRecord, pending: PendingInput[]) =>
    runDetails(run, pending, file.credits_per_usd, {
      workflow_id: run.id,
      run_id: run.temporal_run_id,
      namespace: engine.link.namespace,
      ui_url: workflowUrl(deps.uiUrl(), engine.link.namespace, run.id),
    });
  const pictureOf = async (run: RunRecord): Promise<RunPicture> => {
    const standing = await standingOf(db, run);
    return { run: detailsOf(run, []), terms: termsOf(run), standing };
  };
  /** What is stored of a run that a reader comes to. Errors: `runs.not_found`, `validation.failed` beyond its last event. */
  const storedAfter = async (caller: Caller, runId: string, afterSeq: number): Promise<Stored> => {
    const run = await findRun(db, caller.org_id, runId);
    if (afterSeq > run.last_seq) {
      throw invalidField('after_seq', `after_seq ${afterSeq} is beyond the run's last event, ${run.last_seq}.`);
    }
    return { last_seq: run.last_seq, ended: run.ended === 1 };
  };

  return {
    authenticate: (token, traceId) => authenticate(db, token, traceId),

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
      const details = detailsOf(run, pending);
      return options?.live ? { ...details, live: live ?? null } : details;
    },
    async pageRuns(caller, threadId, page) {
      await findThread(db, caller.org_id, threadId);
      const { items, more } = await pageRuns(db, caller.org_id, threadId, page);
      return { items: await Promise.all(items.map(pictureOf)), more };
    },
    async runPicture(caller, threadId, runId) {
      await findThread(db, caller.org_id, threadId);
      const run = await findRun(db, caller.org_id, runId);
      if (run.thread_id !== threadId) throw new HoldfastError('runs.not_found', `No run ${runId}.`);
      return await pictureOf(run);
    },
    async listRequests(caller, runId) {
      return await requestsOf(db, await findRun(db, caller.org_id, runId));
    },
    async milestones(caller, runId, { upTo } = {}) {
      return await readMilestones(db, (await findRun(db, caller.org_id, runId)).id, upTo);
    },
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
    async events(caller, runId, options) {
      let atEnd = false;
      const body = await feed.read(readerOf(caller, runId, options), async () => {
        const run = await storedAfter(caller, runId, options.afterSeq);
        atEnd = run.ended && options.afterSeq === run.last_seq;
        return run;
      });
      return { atEnd, body };
    },
    follow: (caller, runId, options) =>
      feed.readEvents(readerOf(caller, runId, { ...options, follow: true }), () =>
        storedAfter(caller, runId, options.afterSeq),
      ),

    listInputs: (caller, page) => listInputs(db, caller.org_id, page),
    listPersonas: (caller, page) => personas.list(caller, page),
    getPersona: (caller, ref) => personas.get(caller.org_id, ref),
    createPersona: (caller, definition, once) => personas.create(caller, definition, once),
    async pagePersonas(caller, page) {
      await personas.sync(caller.org_id);
      const { items, more } = await pagePersonas(db, caller.org_id, page);
      return { items: items.map(datedPersona), more };
    },
    async newestPersona(caller, key) {
      await personas.sync(caller.org_id);
      const row = await newestPersonas(db, caller.org_id).where('personas.key', '=', key).executeTakeFirst();
      if (!row) throw new HoldfastError('personas.not_found', `No persona ${key}.`);
      return datedPersona(row);
    },
    updatePersona: (caller, key, patch) => personas.update(caller, key, patch),
    deletePersona: (caller, key) => personas.delete(caller, key),
    routes: () => models.routes(),
    readiness: deps.readiness,
    close: () => feed.close(),
  };
}

function readerOf(
  caller: Caller,
  runId: string,
  options: { afterSeq: number; follow: boolean; signal?: AbortSignal },
): ReaderOptions {
  const { afterSeq, follow, signal } = options;
  const reader = { org_id: caller.org_id, key_id: caller.key_id, run_id: runId, after_seq: afterSeq, follow };
  return signal ? { ...reader, signal } : reader;
}

const datedPersona = (row: DatedRecord): DatedPersona => ({
  ...personaView(row),
  first_created_at: timeOf(row.first_created_at),
});

function workflowUrl(uiUrl: string | null, namespace: string, workflowId: string): string | null {
  return uiUrl === null ? null : `${uiUrl}/namespaces/${namespace}/workflows/${workflowId}`;
}
