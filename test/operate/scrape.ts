/** `/metrics` as Prometheus reads it. */
import type { Stack } from '../support/stack.ts';

export type Sample = { name: string; labels: Record<string, string>; value: number };

/** Scrapes without a key, and reads every sample. Throws at a line that is none. */
export async function scrape(stack: Stack): Promise<{ text: string; samples: Sample[] }> {
  const response = await stack.app.request('/metrics');
  if (response.status !== 200) throw new Error(`/metrics: ${response.status}`);
  const text = await response.text();
  return {
    text,
    samples: text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map(sampleOf),
  };
}

function sampleOf(line: string): Sample {
  const [, name = '', labels = '', value] = /^([a-z_][\w:]*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
  if (value === undefined) throw new Error(`not a sample: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]);
  return {
    name,
    labels: Object.fromEntries(pairs),
    value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
  };
}

/** The sum of a metric's samples that have these labels; undefined without any. */
export function sampleSum(samples: Sample[], name: string, labels: Record<string, string> = {}): number | undefined {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return found.length === 0 ? undefined : found.reduce((sum, sample) => sum + sample.value, 0);
}
