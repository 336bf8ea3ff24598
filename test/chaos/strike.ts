/** Does what the schedule says, and writes down when it was really done. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Victim } from './forms/form.ts';
import type { Fault } from './schedule.ts';

/** A fault with its times in milliseconds since the epoch. */
export type Struck = Fault & { began: number; ended: number };

/** Resolves when the last is over. `cut` breaks readers' connections. Throws when a process cannot be killed or started. */
export async function strike(faults: readonly Fault[], victims: readonly Victim[], cut: () => void): Promise<Struck[]> {
  const began = Date.now();
  return await Promise.all(
    faults.map(async (fault) => {
      await delay(Math.max(0, began + fault.atMs - Date.now()));
      const struck = { ...fault, began: Date.now(), ended: 0 };
      if (fault.kind === 'cut') cut();
      else await hold(fault, victimOf(fault, victims));
      return { ...struck, ended: Date.now() };
    }),
  );
}

async function hold({ kind, forMs }: Fault, victim: Victim): Promise<void> {
  await (kind === 'kill' ? victim.kill() : victim.freeze());
  await delay(forMs);
  await (kind === 'kill' ? victim.restart() : victim.thaw());
}

function victimOf({ target }: Fault, victims: readonly Victim[]): Victim {
  const victim = victims.find(({ name }) => name === target);
  if (!victim) throw new Error(`nobody is called ${target}`);
  return victim;
}
