/** `npm run bench:report`: what it makes of a results file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { resultsInto } from '../../bench/markdown.ts';
import { deltaPlot, ratePlot } from '../../bench/plots.ts';
import { latestOf } from '../../bench/report.ts';
import { readResult } from '../../bench/result-file.ts';
import { rows } from '../../bench/rows/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { delays, measure, rate, resultOf } from './results.ts';

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/performance.md', import.meta.url)), 'utf8');
const RATES = [
  ...[rate('embedded', 100, 260, 250), rate('embedded', 1, 20, 24)],
  ...[rate('apart', 1, 12, 14), rate('apart', 100, 140, 190)],
];
const DELAYS = [
  ...[delays('embedded', '', 1.4), delays('embedded', ', commit + 3 ms', 6)],
  ...[delays('apart', '', 3), delays('apart', ', commit + 3 ms', 8)],
];
const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text);
/** Lines that are drawn, each clipped to the chart by itself. */
const linesIn = (svg: string) => svg.match(/<g clip-path/g)?.length;

describe('the page', () => {
  it('has a place for results, and they can be put there again', () => {
    const once = resultsInto(PAGE, [resultOf(RATES)]);
    expect(once).not.toBe(PAGE);
    expect(resultsInto(once, [resultOf(RATES)])).toBe(once);
    expect(resultsInto(once, [resultOf(DELAYS)])).toBe(resultsInto(PAGE, [resultOf(DELAYS)]));
  });

  it('explains every row', () => {
    for (const { name } of rows) expect(PAGE).toContain(`| \`${name}\` `);
  });

  it('says what was measured where, and whether it is as wanted', () => {
    const page = resultsInto(PAGE, [resultOf([...RATES, measure('cancel', 'a | b p99', 'ms', { goal: 99 })])]);
    expect(page).toContain(
      'AMD EPYC, 2 cores, 24 GiB, load 0.20 before · Node v26.10.0 · Temporal 1.32.0 (embedded), 1.31.2 (apart) · Holdfast b231020 · 2026-11-26',
    );
    const cells = page.split('\n').map((line) => line.split(/ *(?<!\\)\| */).slice(1, -1));
    const lines = cells.filter(([form]) => form === 'embedded' || form === 'apart');
    expect(lines[0]).toEqual([
      'embedded',
      'run-rate',
      'runs at 100 at a time',
      '260.0/s',
      '250.0/s',
      '1.04×',
      '≥ 0.9×',
      'yes',
    ]);
    expect(lines[3]).toEqual([
      'apart',
      'run-rate',
      'runs at 100 at a time',
      '140.0/s',
      '190.0/s',
      '0.74×',
      '≥ 0.9×',
      '**no**',
    ]);
    expect(lines[4]).toEqual(['embedded', 'cancel', 'a \\| b p99', '100.0 ms', '', '', '≤ 99 ms', '**no**']);
  });

  it('has of several files the rows of the latest, by form, where the first has them', () => {
    const fresh = [rate('embedded', 20, 300, 290), measure('cancel', 'p99', 'ms')];
    const together = latestOf([resultOf([...RATES, ...DELAYS]), resultOf(fresh)]);
    expect(together).toEqual([fresh[0], ...RATES.slice(2), ...DELAYS, fresh[1]]);
    const page = resultsInto(PAGE, [resultOf([...RATES, ...DELAYS]), { ...resultOf(fresh), holdfast: 'fffffff' }]);
    expect(page).toMatch(/Holdfast b231020[^\n]*\n\n[^\n]*Holdfast fffffff/);
    expect(page).toContain('| 300.0/s');
    expect(page).not.toContain('| 260.0/s');
  });

  it('is refused when it has no such place, or two', () => {
    expect(() => resultsInto('# Performance\n', [resultOf(RATES)])).toThrow('once each');
    expect(() => resultsInto(PAGE + PAGE, [resultOf(RATES)])).toThrow('once each');
  });
});

describe('the plots', () => {
  it('draw the rates of both forms, of Holdfast and of bare workflows', () => {
    const svg = ratePlot(RATES);
    expect(linesIn(svg)).toBe(4);
    expect(textsOf(svg)).toEqual(
      expect.arrayContaining([
        ...['Holdfast, embedded', 'bare workflows, embedded', 'Holdfast, apart', 'bare workflows, apart'],
        ...['runs at a time', '1', '100', 'runs a second', '300'],
      ]),
    );
  });

  it('draw the delays of both forms, with usual and with slowed commits', () => {
    const svg = deltaPlot(DELAYS);
    expect(linesIn(svg)).toBe(4);
    expect(textsOf(svg)).toEqual(
      expect.arrayContaining([
        ...['embedded', 'embedded, commit + 3 ms', 'apart', 'apart, commit + 3 ms'],
        ...['delay (ms)', '1', '2', '5', '10', '20', '50', '100', 'p50', 'p90', 'p99', 'p99.9'],
      ]),
    );
  });

  it('are the same for the same results, whatever was drawn before', () => {
    const [first, other, again] = [ratePlot(RATES), deltaPlot(DELAYS), ratePlot(RATES)];
    expect(again).toBe(first);
    expect(deltaPlot(DELAYS)).toBe(other);
    expect(ratePlot(RATES.slice(0, 3))).not.toBe(first);
  });

  it('are refused of results that have nothing to draw', () => {
    expect(() => ratePlot(DELAYS)).toThrow('nothing was measured');
    expect(() => deltaPlot(RATES)).toThrow('nothing was measured');
  });
});

it('a results file is read as it was written, and refused when a figure could not be measured', () => {
  const directory = temporaryDirectory();
  try {
    const path = join(directory.path, 'results.json');
    const written = resultOf([...RATES, ...DELAYS]);
    writeFileSync(path, JSON.stringify(written));
    expect(readResult(path)).toEqual(written);
    writeFileSync(path, JSON.stringify(resultOf([measure('cancel', 'p99', 'ms', { holdfast: Number.NaN })])));
    expect(() => readResult(path)).toThrow(/results\.json: .*\n.*measured\[0\]\.holdfast/);
    writeFileSync(path, '# Results');
    expect(() => readResult(path)).toThrow('results.json cannot be read as JSON');
  } finally {
    directory.remove();
  }
});
