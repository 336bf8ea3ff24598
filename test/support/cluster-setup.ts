/** The Temporal cluster of the suites that run apart, on their PostgreSQL server: to them it is the suite's Temporal server. */
import type { TestProject } from 'vitest/node';
import { startTemporalCluster } from './temporal-cluster.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { postgresUrl, postgresPrefix: prefix } = project.getProvidedContext();
  const say = (line: string) => void process.stdout.write(`tests: ${line}\n`);
  const started = performance.now();
  const cluster = await startTemporalCluster({ postgresUrl, prefix, onProgress: say });
  say(`a Temporal cluster at ${cluster.address}, after ${Math.round(performance.now() - started)} ms`);
  project.provide('temporalAddress', cluster.address);
  return () => cluster.stop();
}
