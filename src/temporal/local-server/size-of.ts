import { stat } from 'node:fs/promises';
import { isCode } from './process-identity.ts';

/** Bytes of a file; of one that is not, or no longer, there, none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return 0;
    throw error;
  }
}
