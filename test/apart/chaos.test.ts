import { it } from 'vitest';
import { startApart } from '../chaos/forms/apart.ts';
import { keepsEveryPromise, SHORT_RUN_TIMEOUT_MS } from '../chaos/short-run.ts';

it(
  'two APIs and two workers lose nothing while they, PostgreSQL, Temporal, a provider and an MCP server die and freeze',
  async () => {
    await keepsEveryPromise(startApart, 82, ['kill worker', 'kill postgres', 'kill api']);
  },
  SHORT_RUN_TIMEOUT_MS,
);
