/** What was accepted has had its effect. */
import type { Facts } from './facts.ts';

/** Every accepted create is one run, no create is two, and every client came to the end of its task. */
export function checkAccepted({ cases, runs }: Facts): string[] {
  const byCase = Map.groupBy(
    [...runs.values()].filter((run) => run.parent_run_id === null),
    (run) => run.metadata.case,
  );
  return cases.flatMap(({ id, scenario, runs: accepted, failure }) => {
    const made = (byCase.get(id) ?? []).map((run) => run.run_id).sort();
    const wanted = accepted.map((run) => run.run_id).sort();
    const differs = made.join() !== wanted.join();
    return [
      ...(failure === undefined ? [] : [`${id} (${scenario}): ${failure}`]),
      ...(differs ? [`${id} (${scenario}): accepted ${wanted.join(', ')}; there are ${made.join(', ')}`] : []),
    ];
  });
}

/** Every run has ended as it must, its thread is free, and nobody is asked for anything any more. */
export function checkEnds({ cases, runs, threads, openInputs }: Facts): string[] {
  const found: string[] = [];
  const cancelled = new Set<string>();
  for (const { id, runs: accepted } of cases) {
    for (const { run_id, ends } of accepted) {
      const status = runs.get(run_id)?.status ?? 'unknown';
      if (ends !== 'completed') cancelled.add(run_id);
      if (!ends.split(' or ').includes(status)) found.push(`${id}: ${run_id} is ${status}, not ${ends}`);
    }
  }
  for (const { run_id, at } of cases.flatMap((it) => it.cancelled)) {
    const run = runs.get(run_id);
    const ended = Date.parse(run?.events.at(-1)?.created_at ?? '');
    if (run?.status !== 'cancelled' && ended > at)
      found.push(`${run_id} is ${run?.status}, its cancel was accepted before`);
  }
  for (const { run_id, status, parent_run_id, pending_inputs } of runs.values()) {
    const mayBeCancelled = cancelled.has(run_id) || cancelled.has(parent_run_id ?? '');
    if (status !== 'completed' && !(mayBeCancelled && status === 'cancelled')) found.push(`${run_id} is ${status}`);
    if (pending_inputs.length > 0) found.push(`${run_id} still asks`);
  }
  for (const [id, active] of threads) if (active !== null) found.push(`${id} is held by ${active}`);
  if (openInputs.length > 0) found.push(`${openInputs.length} requests are still open`);
  return found;
}

/** Each accepted answer is said to have been received once, and reached the model as it was given; each request has at most one. */
export function checkAnswers({ cases, runs }: Facts): string[] {
  const received = new Map<string, number>();
  const results: string[] = [];
  for (const { events } of runs.values()) {
    for (const { type, data } of events) {
      if (type === 'run.input_received')
        received.set(String(data.request_id), (received.get(String(data.request_id)) ?? 0) + 1);
      if (type === 'tool.result') results.push(String(data.output));
    }
  }
  const twice = [...received]
    .filter(([, times]) => times > 1)
    .map(([id, times]) => `${id} was received ${times} times`);
  const answers = cases.flatMap(({ answered }) => answered);
  const counts = Map.groupBy(answers, ({ request_id }) => request_id);
  const taken = [...counts].filter(([, all]) => all.length > 1).map(([id, all]) => `${id} took ${all.length} answers`);
  const said = new Set(results);
  const lost = answers
    .filter(({ request_id, kind, content }) => !received.has(request_id) || (kind === 'question' && !said.has(content)))
    .filter(({ request_id }) => !endedByCancel(runs, request_id))
    .map(({ request_id, kind }) => `${request_id} (${kind}): its answer has left no trace`);
  return [...twice, ...taken, ...lost];
}

/** The answer of a run that is cancelled at the same time needs no effect beyond its event. */
function endedByCancel(runs: Facts['runs'], requestId: string): boolean {
  return [...runs.values()].some(
    ({ status, events }) => status === 'cancelled' && events.some(({ data }) => data.request_id === requestId),
  );
}
