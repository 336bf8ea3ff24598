/** The core as Minds speaks of it: threads, runs and personas by their aliases, in what is asked and in what is answered. */

import type { Holdfast } from '../../runs/holdfast.ts';
import { readAccepted } from '../../runs/read-accepted.ts';
import type { Caller, CreateRun } from '../../runs/types.ts';
import type { AssistantsCore } from '../openai/core.ts';
import { cursorsOf, Names, newAlias } from './names.ts';
import {
  createdMessageShown,
  createdRunShown,
  messagesShown,
  partsOf,
  personasShown,
  picturesShown,
  threadShown,
} from './shown.ts';

/** What is made here gets its alias in the transaction that makes it; what another dialect made, when it is first shown. */
export function aliasedCore(core: Holdfast): AssistantsCore {
  /** Does `work` with the names of its caller, which are also those of what is refused. */
  const as = async <T>(caller: Caller, work: (names: Names) => Promise<T>): Promise<T> => {
    const names = new Names(core, caller);
    try {
      return await work(names);
    } catch (error) {
      throw await names.retold(error);
    }
  };
  const onThread = <T>(caller: Caller, thread: string, work: (id: string, names: Names) => Promise<T>) =>
    as(caller, async (names) => await work(await names.id('thread', thread), names));
  const onRun = <T>(caller: Caller, run: string, work: (id: string) => Promise<T>) =>
    as(caller, async (names) => await work(await names.id('run', run)));
  const onPersona = <T>(caller: Caller, persona: string, work: (key: string, names: Names) => Promise<T>) =>
    as(caller, async (names) => await work(await names.id('persona', persona), names));

  return {
    createThread: (caller, input, once) =>
      as(caller, async (names) => {
        const { value, replayed } = await core.createThread(caller, { ...input, alias: newAlias('thread') }, once);
        return { value: await readAccepted(() => threadShown(names, value)), replayed };
      }),
    getThread: (caller, thread) =>
      onThread(caller, thread, async (id, names) => threadShown(names, await core.getThread(caller, id))),
    updateThread: (caller, thread, patch) =>
      onThread(caller, thread, async (id, names) => threadShown(names, await core.updateThread(caller, id, patch))),
    deleteThread: (caller, thread) => onThread(caller, thread, (id) => core.deleteThread(caller, id)),

    createMessage: (caller, thread, input, once) =>
      onThread(caller, thread, async (id, names) => {
        const { value, replayed } = await core.createMessage(caller, id, input, once);
        return { value: await readAccepted(() => createdMessageShown(names, value)), replayed };
      }),
    pageMessages: (caller, thread, { run_id: run, ...page }) =>
      onThread(caller, thread, async (id, names) => {
        const filter = run === undefined ? {} : { run_id: await names.id('run', run) };
        const { items, more } = await core.pageMessages(caller, id, { ...page, ...filter });
        return { items: items.map(await messagesShown(names, items)), more };
      }),
    getMessage: (caller, thread, message) =>
      onThread(caller, thread, async (id, names) => {
        const found = await core.getMessage(caller, id, message);
        return (await messagesShown(names, [found]))(found);
      }),
    updateMessage: (caller, thread, message, patch) =>
      onThread(caller, thread, async (id, names) => {
        const updated = await core.updateMessage(caller, id, message, patch);
        return (await messagesShown(names, [updated]))(updated);
      }),
    deleteMessage: (caller, thread, message) =>
      onThread(caller, thread, (id) => core.deleteMessage(caller, id, message)),

    createRun: (caller, thread, input, once) =>
      as(caller, async (names) => {
        const id = thread === null ? null : await names.id('thread', thread);
        const { value, replayed } = await core.createRun(caller, id, await aliasedRun(names, id, input), once);
        return { value: await readAccepted(() => createdRunShown(names, value)), replayed };
      }),
    pageRuns: (caller, thread, page) =>
      onThread(caller, thread, async (id, names) => {
        const { items, more } = await core.pageRuns(caller, id, await cursorsOf(names, 'run', page));
        return { items: items.map(await picturesShown(names, items)), more };
      }),
    runPicture: (caller, thread, run) =>
      onThread(caller, thread, async (id, names) => {
        const picture = await core.runPicture(caller, id, await names.id('run', run));
        return (await picturesShown(names, [picture]))(picture);
      }),
    listRequests: (caller, run) => onRun(caller, run, (id) => core.listRequests(caller, id)),
    milestones: (caller, run, options) => onRun(caller, run, (id) => core.milestones(caller, id, options)),
    updateRun: (caller, run, patch) => onRun(caller, run, (id) => core.updateRun(caller, id, patch)),
    cancelRun: (caller, run, once) => onRun(caller, run, (id) => core.cancelRun(caller, id, once)),
    answerAll: (caller, run, answers, once) => onRun(caller, run, (id) => core.answerAll(caller, id, answers, once)),
    follow: (caller, run, options) => onRun(caller, run, (id) => core.follow(caller, id, options)),

    createPersona: (caller, definition, once) =>
      as(caller, async (names) => {
        const { value, replayed } = await core.createPersona(caller, definition, once);
        const show = await readAccepted(() => personasShown(names, [value]));
        return { value: show(value), replayed };
      }),
    pagePersonas: (caller, page) =>
      as(caller, async (names) => {
        const { items, more } = await core.pagePersonas(caller, await cursorsOf(names, 'persona', page));
        return { items: items.map(await personasShown(names, items)), more };
      }),
    newestPersona: (caller, persona) =>
      onPersona(caller, persona, async (key, names) => {
        const found = await core.newestPersona(caller, key);
        return (await personasShown(names, [found]))(found);
      }),
    updatePersona: (caller, persona, patch) =>
      onPersona(caller, persona, async (key, names) => {
        const updated = await core.updatePersona(caller, key, patch);
        return (await readAccepted(() => personasShown(names, [updated])))(updated);
      }),
    deletePersona: (caller, persona) => onPersona(caller, persona, (key) => core.deletePersona(caller, key)),

    routes: () => core.routes(),
  };
}

/** A create in the core's ids, with aliases for what it makes. */
async function aliasedRun(names: Names, threadId: string | null, input: CreateRun): Promise<CreateRun> {
  const { persona_id, ...run } = input;
  const { key, version } = partsOf(persona_id ?? '');
  return {
    ...run,
    ...(persona_id === undefined ? {} : { persona_id: (await names.id('persona', key)) + version }),
    ...(threadId === null ? { thread: { ...input.thread, alias: newAlias('thread') } } : {}),
    alias: input.alias ?? { alias: newAlias('run') },
  };
}
