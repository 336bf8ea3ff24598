import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Holdfast } from '../forms/form.ts';
import type { Measure, Row } from '../measure.ts';
import { residentBytes } from '../processes.ts';
import type { Stage } from '../stage.ts';

const RUNS = 50;
/** Of them, those that wait for a person: their readers get pings. */
const SILENT_RUNS = 10;
const EVERY_MS = 1_000;
const WARM_UP_READERS = 500;
/** Files that a process has open beside its readers. */
const OTHER_FILES = 1_000;
const GOAL_KB = 30;
/** As the contract has it. */
const PING_MS = 15_000;

/** Thousands of readers that stay for a while on runs that speak now and then, or not at all. */
export const hold: Row = {
  name: 'hold',
  async measure(stage: Stage): Promise<Measure[]> {
    const [readers, seconds] = stage.quick ? [500, 16] : [5_000, 60];
    const mayOpen = openFilesLimit();
    if (mayOpen < readers + OTHER_FILES) {
      throw new Error(`hold: ${mayOpen} open files are allowed, ${readers + OTHER_FILES} are needed: raise ulimit -n`);
    }
    // A server of its own: what other rows left in memory would be given back, or used again, while readers come.
    const server = await stage.start();
    try {
      return await holdOn(stage, server, { readers, seconds });
    } finally {
      await server.stop();
    }
  },
};

async function holdOn(
  stage: Stage,
  { url, key, pids }: Holdfast,
  { readers, seconds }: { readers: number; seconds: number },
): Promise<Measure[]> {
  const target = { url, key };
  const begin = async (count: number, input: string) =>
    (await stage.load.ask('begin', { ...target, count, body: { input } })).runIds;
  const runIds = [
    ...(await begin(RUNS - SILENT_RUNS, `/stream chunks=100000 delay_ms=${EVERY_MS}`)),
    ...(await begin(SILENT_RUNS, '/ask ready?')),
  ];
  // What is there once, whoever reads, is there before it is looked at.
  await stage.load.ask('hold', { ...target, runIds, readers: WARM_UP_READERS });
  await stage.load.ask('letGo', {});
  const before = residentBytes(pids.api);
  const kbEach = () => (residentBytes(pids.api) - before) / readers / 1_000;
  await stage.load.ask('hold', { ...target, runIds, readers });
  const attached = kbEach();
  await delay(seconds * 1_000);
  const { open, longestSilence } = await stage.load.ask('heldNow', {});
  const held = kbEach();
  const { seen, missed } = await stage.load.ask('endHeld', { ...target, runIds });
  const how = `${readers} readers for ${seconds} s`;
  return [
    { what: `${how}: held`, unit: '%', holdfast: (open * 100) / readers, goal: 100, guard: 100 },
    { what: `${how}: events seen`, unit: '', holdfast: seen },
    { what: `${how}: events missed`, unit: '', holdfast: missed, goal: 0, guard: 0 },
    { what: `${how}: longest silence`, unit: 'ms', holdfast: longestSilence, goal: PING_MS },
    { what: `${how}: memory of the API, each when attached`, unit: 'KB', holdfast: attached, goal: GOAL_KB },
    { what: `${how}: memory of the API, each at the end`, unit: 'KB', holdfast: held, goal: GOAL_KB },
  ];
}

/** Files that this process, and so its children, may have open. */
function openFilesLimit(): number {
  const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
