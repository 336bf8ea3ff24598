import type { Holdfast } from '../../runs/holdfast.ts';
import { isModel } from '../openai/models.ts';
import type { Bodies } from '../openai/schema/bodies.ts';
import { readMetadata } from './metadata.ts';

const OF_RUNS: (keyof Bodies)[] = ['CreateRunRequest', 'CreateThreadAndRunRequest'];

/**
 * What a run's body is read as: a text that is empty asks for nothing, as it shows nothing; metadata may be an array; and the
 * `model` may be the mind itself, which asks for no other model than the mind's own.
 */
export function prepareBody(name: keyof Bodies, sent: unknown, holdfast: Holdfast): unknown {
  if (!OF_RUNS.includes(name) || typeof sent !== 'object' || sent === null || Array.isArray(sent)) return sent;
  const { model, instructions, metadata, ...body } = sent as Record<string, unknown>;
  const asksNothing = model === '' || (model === body.assistant_id && !isModel(holdfast, String(model)));
  return {
    ...body,
    ...(model === undefined || asksNothing ? {} : { model }),
    ...(instructions === undefined || instructions === '' ? {} : { instructions }),
    ...(metadata === undefined ? {} : { metadata: readMetadata(metadata) }),
  };
}
