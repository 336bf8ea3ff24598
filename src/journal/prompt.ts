/**
 * What the model sees: a pure function of the journal up to the turn's begin. The thread's messages in order, each
 * assistant message with its calls and their results; a call nobody answered has its synthetic result.
 */
import type { ContentPart, PromptMessage } from '../models/types.ts';
import { CANCELLED_CALL_OUTPUT } from './end-run.ts';
import type { ReadDb } from './journal.ts';

/** Reads the prompt's messages of a thread, oldest first. */
export async function readPrompt(db: ReadDb, orgId: string, threadId: string): Promise<PromptMessage[]> {
  const messages = await db
    .selectFrom('messages')
    .select(['id', 'role', 'content', 'status'])
    .where('thread_id', '=', threadId)
    .where('org_id', '=', orgId)
    .orderBy('position')
    .execute();
  const calls = await db
    .selectFrom('calls')
    .select(['message_id', 'call_id', 'name', 'arguments', 'status', 'output'])
    .where('thread_id', '=', threadId)
    .where('org_id', '=', orgId)
    .orderBy('message_id')
    .orderBy('idx')
    .execute();
  const byMessage = Map.groupBy(calls, (call) => call.message_id);
  const prompt: PromptMessage[] = [];
  for (const message of messages) {
    const content = JSON.parse(message.content) as ContentPart[];
    if (message.role === 'user') {
      prompt.push({ role: 'user', content });
      continue;
    }
    const made = byMessage.get(message.id) ?? [];
    prompt.push({
      role: 'assistant',
      content: content.map((part) => (part.type === 'text' ? part.text : '')).join(''),
      ...(message.status === 'incomplete' ? { incomplete: true } : {}),
      tool_calls: made.map((call) => ({
        call_id: call.call_id,
        name: call.name,
        arguments: JSON.parse(call.arguments) as unknown,
      })),
    });
    if (made.length === 0) continue;
    prompt.push({
      role: 'tool',
      results: made.map((call) => ({
        call_id: call.call_id,
        name: call.name,
        output: call.output ?? CANCELLED_CALL_OUTPUT,
        is_error: call.status !== 'ok',
      })),
    });
  }
  return prompt;
}
