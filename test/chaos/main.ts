/**
 * `npm run chaos -- [--minutes 10] [--seed 7] [--form apart|embedded] [--clients 10]`: kills, freezes and cuts at random under mixed load,
 * then checks every promise. Exits with 1 when one was broken. A seed plays the same schedule again.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';
import { startApart } from './forms/apart.ts';
import { startEmbedded } from './forms/embedded.ts';
import { describe } from './report.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    form: { type: 'string', default: 'apart' },
    clients: { type: 'string', default: '10' },
  },
});
const forms: Record<string, typeof startApart | undefined> = { apart: startApart, embedded: startEmbedded };
const start = forms[values.form];
const [minutes, seed, clients] = [values.minutes, values.seed, values.clients].map(Number) as [number, number, number];
if (!start || ![minutes, seed, clients].every((number) => number > 0)) {
  console.error('usage: npm run chaos -- [--minutes 10] [--seed 7] [--form apart|embedded] [--clients 10]');
  process.exit(1);
}

const say = (line: string) => console.log(`chaos: ${line}`);
say(`${minutes} minutes of the ${values.form} form, seed ${seed}`);
const form = await start();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void form.close().finally(() => process.exit(1)));
const keepIn = mkdtempSync(join(tmpdir(), 'holdfast-chaos-'));
try {
  const report = await runChaos(form, { seed, durationMs: minutes * 60_000, clients, say, keepIn });
  console.log(describe(report));
  if (report.violated > 0) say(`seed ${seed} broke ${report.violated} promises; what is known is in ${keepIn}`);
  else say(`seed ${seed}: every promise was kept`);
  process.exitCode = report.violated > 0 ? 1 : 0;
} finally {
  await form.close();
}
process.exit();
