import type { ApiDialect } from '../api/app.ts';
import { nativeApi } from '../api/native/index.ts';
import { openAiApi } from '../api/openai/index.ts';
import type { FileConfig } from '../config.ts';

/** The dialects a server speaks, the native one first: it answers what addresses none. */
export function dialectsOf(file: Pick<FileConfig, 'openai'>): [ApiDialect, ...ApiDialect[]] {
  return [nativeApi, openAiApi({ expiresAfterS: file.openai.expires_after_s })];
}
