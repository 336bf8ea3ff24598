/**
 * `npm run bench:report -- <results.json> [<results.json> …]`: puts the results of a run of the benchmark into `docs/performance.md`,
 * table and plots. Rows of a later file stand in place of an earlier one's. The same files give the same documents.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resultsInto } from './markdown.ts';
import { deltaPlot, ratePlot } from './plots.ts';
import { latestOf } from './report.ts';
import { readResult } from './result-file.ts';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));

const paths = process.argv.slice(2);
if (paths.length === 0) {
  console.error('usage: npm run bench:report -- <results.json> [<results.json> …]');
  process.exit(1);
}
const results = paths.map(readResult);
const measured = latestOf(results);
const plots = { 'rate.svg': ratePlot(measured), 'delta.svg': deltaPlot(measured) };
const page = resultsInto(readFileSync(`${DOCS}performance.md`, 'utf8'), results);

mkdirSync(`${DOCS}performance`, { recursive: true });
for (const [name, svg] of Object.entries(plots)) writeFileSync(`${DOCS}performance/${name}`, svg);
writeFileSync(`${DOCS}performance.md`, page);
