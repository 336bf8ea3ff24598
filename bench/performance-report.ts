/**
 * `npm run bench:report -- <results.json>`: puts the results of a run of the benchmark into `docs/performance.md`, table and plots.
 * The same file gives the same documents.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resultsInto } from './markdown.ts';
import { deltaPlot, ratePlot } from './plots.ts';
import { readResult } from './result-file.ts';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));

const [path, ...rest] = process.argv.slice(2);
if (path === undefined || rest.length > 0) {
  console.error('usage: npm run bench:report -- <results.json>');
  process.exit(1);
}
const result = readResult(path);
const plots = { 'rate.svg': ratePlot(result.measured), 'delta.svg': deltaPlot(result.measured) };
const page = resultsInto(readFileSync(`${DOCS}performance.md`, 'utf8'), result);

mkdirSync(`${DOCS}performance`, { recursive: true });
for (const [name, svg] of Object.entries(plots)) writeFileSync(`${DOCS}performance/${name}`, svg);
writeFileSync(`${DOCS}performance.md`, page);
