/** The part of `docs/performance.md` that a results file makes. */
import { inWords, keeps } from './measure.ts';
import { cells, headline, latestOf, type Measured, type Result } from './report.ts';

const BEGIN = '<!-- results: npm run bench:report -->';
const END = '<!-- /results -->';
const HEAD = ['form', 'row', 'measure', 'Holdfast', 'against', 'ratio', 'goal', 'kept'];
const PLOTS = `![One-turn runs a second by how many are under way at a time, of Holdfast and of bare workflows](performance/rate.svg)

![Delay of a chunk from the model to the reader by percentile, with usual and with slowed commits](performance/delta.svg)`;

/**
 * The page with these results, of each row the latest, in place of what stands between its two marks. Throws when it does not have them
 * once each.
 */
export function resultsInto(page: string, results: Result[]): string {
  const [before, between, ...second] = page.split(BEGIN);
  const [, after, ...third] = between?.split(END) ?? [];
  if (before === undefined || after === undefined || second.length + third.length > 0) {
    throw new Error(`the page must have ${BEGIN} and, below it, ${END}, once each`);
  }
  return `${before}${BEGIN}\n\n${textOf(results)}\n\n${END}${after}`;
}

const textOf = (results: Result[]) => [...results.map(headline), table(latestOf(results)), PLOTS].join('\n\n');

function table(measured: Measured[]): string {
  const lines = measured.map((it) => [
    ...cells(it),
    it.goal === undefined ? '' : inWords(it, it.goal),
    it.goal === undefined ? '' : keeps(it, it.goal) ? 'yes' : '**no**',
  ]);
  const escaped = lines.map((line) => line.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = HEAD.map((title, i) => Math.max(title.length, ...escaped.map((line) => line[i]?.length ?? 0)));
  const line = (of: string[]) => `| ${of.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const isFigure = (i: number) => i >= 3 && i <= 5;
  const rule = widths.map((width, i) => (isFigure(i) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(HEAD), line(rule), ...escaped.map(line)].join('\n');
}
