/** What a run of chaos found, as text. */
import type { Report } from './chaos.ts';

const SHOWN = 10;

export function describe({ violations, ...found }: Report): string {
  const { counts, recovery } = found;
  const ms = (value: number | undefined) => (value === undefined ? '-' : `${Math.round(value)} ms`);
  const faults = Object.entries(found.faults)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, times]) => `${name} ${times}`);
  const broken = Object.entries(violations).flatMap(([name, all]) => [
    `${name}: ${all.length}`,
    ...all.slice(0, SHOWN).map((line) => `  ${line}`),
    ...(all.length > SHOWN ? [`  and ${all.length - SHOWN} more`] : []),
  ]);
  return [
    `runs accepted: ${found.runs}, in ${found.cases} tasks; requests: ${counts.requests}, repeated: ${counts.repeated}`,
    `readers' connections: ${counts.connections}, cut: ${counts.cut}; resets: ${found.resets}; unknown outcomes: ${found.unknownOutcomes}`,
    `faults: ${faults.join(', ')}`,
    `from a kill to the next event: p50 ${ms(recovery.p50)}, p99 ${ms(recovery.p99)}, ${recovery.samples} samples`,
    ...broken,
  ].join('\n');
}
