import type { ApiDialect } from '../api/app.ts';
import { mindsApi } from '../api/minds/index.ts';
import { nativeApi } from '../api/native/index.ts';
import { openAiApi } from '../api/openai/index.ts';
import { umamiApi } from '../api/umami/index.ts';
import type { FileConfig } from '../config.ts';

/** The dialects a server speaks, the native one first: it answers what addresses none. */
export function dialectsOf(file: Pick<FileConfig, 'openai'>): [ApiDialect, ...ApiDialect[]] {
  const expiresAfterS = file.openai.expires_after_s;
  return [nativeApi, openAiApi({ expiresAfterS }), umamiApi({ expiresAfterS }), mindsApi()];
}
