/** The mixed load: what clients do, with their shares of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Call, Turn } from '../plan.ts';
import type { Random } from '../random.ts';
import type { Actor } from './actor.ts';

export type Scenario = { name: string; weight: number; act(actor: Actor): Promise<void> };

const words = (random: Random, most = 150) => ({ say: random.int(10, most), delay_ms: random.pick([5, 15, 40]) });
const ask = (question: string): Call => ({ name: 'ask_user', arguments: { question } });

/** A call of the MCP server: with side effects, or repeatable. */
function effect(random: Random, most = 2_500): Call {
  return random.pick<Call>([
    { name: 'effects_note', arguments: { text: 'noted' } },
    { name: 'effects_slow', arguments: { ms: random.int(50, most) } },
    { name: 'effects_slow_heeding', arguments: { ms: random.int(50, most) } },
    { name: 'effects_put', arguments: {} },
    { name: 'effects_look', arguments: {} },
  ]);
}

const effects = (random: Random): Turn => ({ calls: Array.from({ length: random.int(1, 3) }, () => effect(random)) });

export const scenarios: readonly Scenario[] = [
  {
    name: 'stream',
    weight: 20,
    async act(actor) {
      await actor.follow(await actor.create(actor.plan(words(actor.random))));
    },
  },
  {
    name: 'long stream',
    weight: 10,
    async act(actor) {
      await actor.follow(await actor.create(actor.plan({ say: actor.random.int(200, 500), delay_ms: 30 })));
    },
  },
  {
    name: 'slow reader',
    weight: 5,
    async act(actor) {
      await actor.follow(await actor.create(actor.plan({ say: 200, delay_ms: 0 })), { pauseMs: 30 });
    },
  },
  {
    name: 'question',
    weight: 15,
    async act(actor) {
      const plan = actor.plan({ ...words(actor.random, 30), calls: [ask('Which?')] }, { echo: true });
      await actor.follow(await actor.create(plan));
    },
  },
  {
    name: 'tools',
    weight: 15,
    async act(actor) {
      const plan = actor.plan(effects(actor.random), effects(actor.random), { echo: true });
      await actor.follow(await actor.create(plan));
    },
  },
  {
    name: 'approval',
    weight: 10,
    async act(actor) {
      const plan = actor.plan(effects(actor.random), { echo: true });
      await actor.follow(await actor.create(plan, { persona: 'careful' }));
    },
  },
  {
    name: 'children',
    weight: 10,
    async act(actor) {
      const { random } = actor;
      const tasks = Array.from({ length: random.int(1, 2) }, () =>
        actor.plan(
          { ...words(random, 60), ...random.pick([effects(random), { calls: [ask('For the child?')] }]) },
          { echo: true },
        ),
      );
      const calls = tasks.map((task) => ({
        name: 'run_agent',
        arguments: { persona: 'free', input: JSON.stringify(task) },
      }));
      await actor.follow(await actor.create(actor.plan({ calls }, { echo: true })));
    },
  },
  {
    name: 'cancel',
    weight: 12,
    async act(actor) {
      const { random } = actor;
      const child = JSON.stringify(actor.plan({ say: 400, delay_ms: 20 }));
      const long: Turn[][] = [
        [{ say: 400, delay_ms: 20 }],
        [
          { calls: [effect(random, 9_000), { name: 'effects_slow_heeding', arguments: { ms: 9_000 } }] },
          { echo: true },
        ],
        [{ calls: [ask('Whatever?'), { name: 'wait', arguments: { seconds: 60 } }] }, { echo: true }],
        [{ calls: [{ name: 'run_agent', arguments: { persona: 'free', input: child } }] }, { echo: true }],
      ];
      const run = await actor.create(actor.plan(...random.pick(long)), { ends: 'cancelled or completed' });
      const cancel = async () => {
        await delay(random.int(0, 4_000));
        await actor.cancel(run);
      };
      await Promise.all([actor.follow(run), cancel()]);
    },
  },
  {
    name: 'one create many times',
    weight: 6,
    async act(actor) {
      await actor.follow(await actor.create(actor.plan(words(actor.random, 30)), { times: actor.random.int(2, 4) }));
    },
  },
  {
    name: 'queue',
    weight: 7,
    async act(actor) {
      const first = await actor.create(actor.plan(words(actor.random)));
      const thread_id = actor.case.runs[0]?.thread_id;
      const later = await Promise.all(
        [1, 2].map(() => actor.create(actor.plan(words(actor.random, 30)), { ...(thread_id && { thread_id }) })),
      );
      await Promise.all([first, ...later].map((run) => actor.follow(run)));
    },
  },
];
