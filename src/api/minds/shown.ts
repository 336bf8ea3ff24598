/**
 * What the core answers, with aliases for its ids. Of a page the aliases are looked up together; what is given is the
 * way to show one of its items.
 */
import type { RunPicture, ThreadMessage } from '../../runs/dialect-types.ts';
import type { Created, MessageView, ThreadView } from '../../runs/types.ts';
import type { Names } from './names.ts';

export async function threadShown(names: Names, thread: ThreadView): Promise<ThreadView> {
  const showThreadId = await names.shown('thread', [thread.id]);
  const showRunId = await names.shown('run', [thread.active_run_id]);
  return { ...thread, id: showThreadId(thread.id), active_run_id: showRunId(thread.active_run_id) };
}

export async function createdMessageShown(names: Names, message: MessageView): Promise<MessageView> {
  const showThreadId = await names.shown('thread', [message.thread_id]);
  return { ...message, thread_id: showThreadId(message.thread_id) };
}

export async function createdRunShown(names: Names, created: Created): Promise<Created> {
  const showThreadId = await names.shown('thread', [created.thread_id]);
  const showRunId = await names.shown('run', [created.run_id]);
  return { ...created, thread_id: showThreadId(created.thread_id), run_id: showRunId(created.run_id) };
}

export async function messagesShown(names: Names, messages: ThreadMessage[]) {
  const [showThreadId, showRunId, showPersona] = await Promise.all([
    names.shown(
      'thread',
      messages.map((it) => it.thread_id),
    ),
    names.shown(
      'run',
      messages.map((it) => it.run_id),
    ),
    personasIn(
      names,
      messages.map((it) => it.run?.persona_id ?? null),
    ),
  ]);
  return ({ run, ...message }: ThreadMessage): ThreadMessage => ({
    ...message,
    thread_id: showThreadId(message.thread_id),
    run_id: showRunId(message.run_id),
    run: run && { ...run, persona_id: showPersona(run.persona_id) },
  });
}

export async function picturesShown(names: Names, pictures: RunPicture[]) {
  const runs = pictures.map(({ run }) => run);
  const [showThreadId, showRunId, showPersona] = await Promise.all([
    names.shown(
      'thread',
      runs.map((run) => run.thread_id),
    ),
    names.shown(
      'run',
      runs.flatMap((run) => [run.run_id, run.parent_run_id]),
    ),
    personasIn(
      names,
      runs.map((run) => run.persona_id),
    ),
  ]);
  return ({ run, ...picture }: RunPicture): RunPicture => ({
    ...picture,
    run: {
      ...run,
      run_id: showRunId(run.run_id),
      thread_id: showThreadId(run.thread_id),
      parent_run_id: showRunId(run.parent_run_id),
      persona_id: showPersona(run.persona_id),
    },
  });
}

export async function personasShown(names: Names, personas: { key: string }[]) {
  const show = await names.shown(
    'persona',
    personas.map(({ key }) => key),
  );
  return <T extends { key: string }>(persona: T): T => ({ ...persona, key: show(persona.key) });
}

/** Shows versions of personas, `key@version`, under the aliases of their keys. */
async function personasIn(names: Names, refs: (string | null)[]): Promise<(ref: string | null) => string | null> {
  const keys = refs.map((ref) => (ref === null ? null : partsOf(ref).key));
  const show = await names.shown('persona', keys);
  return (ref) => {
    if (ref === null) return null;
    const { key, version } = partsOf(ref);
    return show(key) + version;
  };
}

/** The key of a version and what follows it: `@3`, or nothing. */
export function partsOf(ref: string): { key: string; version: string } {
  const [, key = ref, version = ''] = /^(.*)(@\d+)$/.exec(ref) ?? [];
  return { key, version };
}
