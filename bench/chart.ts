/** Charts of lines as SVG, drawn by ECharts: on white, so that they can be read on a dark page, too. */
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const SIZE = { width: 960, height: 440 };
const TEXT = { color: '#1f2328', fontSize: 14 };
const FAINT = { color: '#d1d9e0' };
/** Beside the lines, one below the other: the library guesses how wide a text is, and guesses too little. */
const LEGEND = { orient: 'vertical' as const, left: 684, top: 60, itemWidth: 44, itemGap: 14, textStyle: TEXT };
/** Told apart by those who see few colours, too. */
const COLOURS = ['#0969da', '#bc4c00'];

/** As the library names what one drawing refers to: `zr0-c1`, `zr0-cls-2`. */
const ID = /\bzr\d+-[a-z]+-?\d+/g;

/** How lines of one colour are told apart. */
const STROKES = { solid: 'solid' as const, dashed: [7, 5], dotted: [2, 4] };
export type Stroke = keyof typeof STROKES;

export type Line = {
  name: string;
  /** Lines of one group have one colour. */
  group: string;
  stroke: Stroke;
  points: [number, number][];
};

export type Axis = {
  name: string;
  scale: 'linear' | 'log';
  min: number;
  max?: number;
  /** What stands at the axis; without them the library chooses. */
  ticks?: { at: number; label: string }[];
};

/** The same lines give the same text. Throws when there are none. */
export function lineChart(title: string, x: Axis, y: Axis, lines: Line[]): string {
  if (lines.length === 0) throw new Error(`nothing was measured for "${title}"`);
  const groups = [...new Set(lines.map(({ group }) => group))];
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  chart.setOption({
    ...{ animation: false, backgroundColor: '#ffffff', textStyle: TEXT },
    title: { text: title, left: 68, top: 16, textStyle: { ...TEXT, fontSize: 16 } },
    legend: { ...LEGEND, selectedMode: false },
    grid: { left: 76, right: 300, top: 60, bottom: 64, outerBoundsMode: 'none' },
    xAxis: { ...axis(x), nameGap: 34 },
    yAxis: { ...axis(y), nameGap: 48, nameRotate: 90 },
    series: lines.map(({ name, group, stroke, points }) => ({
      ...{ type: 'line', name, data: points, silent: true, symbol: 'circle', symbolSize: 6 },
      color: COLOURS[groups.indexOf(group) % COLOURS.length],
      lineStyle: { width: 2, type: STROKES[stroke] },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${numbered(svg)}\n`;
}

function axis({ name, scale, min, max, ticks }: Axis) {
  const customValues = ticks?.map(({ at }) => at);
  return {
    ...{ type: scale === 'log' ? ('log' as const) : ('value' as const), name, min, max },
    ...{ nameLocation: 'middle' as const, nameTextStyle: TEXT },
    axisLine: { show: true, lineStyle: { color: TEXT.color } },
    axisTick: { show: true, customValues },
    axisLabel: {
      ...{ ...TEXT, customValues },
      formatter: (value: number, i: number) => ticks?.[i]?.label ?? value.toLocaleString('en'),
    },
    splitLine: { show: true, lineStyle: FAINT },
  };
}

/** The library numbers drawings and styles by process, and names them so: counted here by drawing. */
function numbered(svg: string): string {
  const ids = [...new Set(svg.match(ID))];
  return svg.replaceAll(ID, (id) => `id-${ids.indexOf(id)}`);
}
