import { it } from 'vitest';
import { startEmbedded } from './forms/embedded.ts';
import { keepsEveryPromise, SHORT_RUN_TIMEOUT_MS } from './short-run.ts';

it(
  '`holdfast start` loses nothing while it, its Temporal, a provider and an MCP server die and freeze',
  async () => {
    await keepsEveryPromise(startEmbedded, 40, ['kill server', 'freeze temporal']);
  },
  SHORT_RUN_TIMEOUT_MS,
);
