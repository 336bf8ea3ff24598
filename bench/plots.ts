/** What `docs/performance.md` shows of a results file as pictures. */
import { type Axis, type Line, lineChart, type Stroke } from './chart.ts';
import type { Measured } from './report.ts';

/** The percentiles that stand at the axis. */
const SHARES = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];
/** Round figures of a log axis. */
const ROUND = [-2, -1, 0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));

/** Runs a second by how many are under way at a time: Holdfast's solid, those of bare workflows dashed. */
export function ratePlot(measured: Measured[]): string {
  const drawn = measured.filter((it) => it.row === 'run-rate' && it.at !== undefined);
  const lines = formsOf(drawn).flatMap((form) =>
    ['Holdfast', 'bare workflows'].map(
      (who, i): Line => ({
        ...{ name: `${who}, ${form}`, group: form, stroke: i === 1 ? 'dashed' : 'solid' },
        points: drawn
          .filter((it) => it.form === form)
          .map((it) => pointOf(it, i))
          .toSorted(([a], [b]) => a - b),
      }),
    ),
  );
  const concurrencies = [...new Set(drawn.map((it) => pointOf(it, 0)[0]))].toSorted((a, b) => a - b);
  const x: Axis = {
    ...{ name: 'runs at a time', scale: 'log', min: 1, max: concurrencies.at(-1) },
    ticks: concurrencies.map((at) => ({ at, label: String(at) })),
  };
  return lineChart('One-turn runs a second', x, { name: 'runs a second', scale: 'linear', min: 0 }, lines);
}

/** The delay below which a share of the chunks reached their reader: the usual load solid, fewer runs dotted, slowed commits dashed. */
export function deltaPlot(measured: Measured[]): string {
  const lines = measured
    .filter((it) => it.row === 'delta' && it.curve !== undefined)
    .map(({ form, what, curve = [] }): Line => {
      const how = /, (.*)$/.exec(what)?.[1];
      const shown = curve.filter(([share]) => share >= 0.5 && share <= 0.999);
      return {
        ...{ name: how ? `${form}, ${how}` : form, group: form, stroke: strokeOf(how) },
        points: shown.map(([share, ms]) => [beyond(share), ms]),
      };
    });
  const delays = lines.flatMap((line) => line.points.map(([, ms]) => ms));
  const [least, most] = [Math.min(...delays), Math.max(...delays)];
  const min = ROUND.findLast((ms) => ms <= least) ?? least;
  const max = ROUND.find((ms) => ms >= most) ?? most;
  const x: Axis = {
    ...{ name: 'percentile of the chunks', scale: 'log', min: beyond(0.5), max: beyond(0.999) },
    ticks: SHARES.map((share) => ({ at: beyond(share), label: `p${Number((share * 100).toFixed(1))}` })),
  };
  const y: Axis = {
    ...{ name: 'delay (ms)', scale: 'log', min, max },
    ticks: ROUND.filter((ms) => ms >= min && ms <= max).map((ms) => ({ at: ms, label: ms.toLocaleString('en') })),
  };
  return lineChart('Delay of a chunk from the model to the reader', x, y, lines);
}

function strokeOf(how: string | undefined): Stroke {
  if (how === undefined) return 'solid';
  return how.startsWith('commit') ? 'dashed' : 'dotted';
}

const formsOf = (measured: Measured[]) => [...new Set(measured.map(({ form }) => form))];

/** Concurrency and rate: Holdfast's (0) or that of bare workflows (1). */
const pointOf = ({ at = Number.NaN, holdfast, against = Number.NaN }: Measured, i: number): [number, number] => [
  at,
  i === 0 ? holdfast : against,
];

/** One of how many is beyond a share: 2, 10, 100, 1,000 for p50, p90, p99, p99.9, which a log axis sets apart evenly. */
const beyond = (share: number) => Math.round(1e6 / (1 - share)) / 1e6;
