/** A later version of Holdfast: a copy of this one, changed as a release would change it, that runs beside it. */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './temporary-directory.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PARTS = ['src', 'workflows', 'activities', 'worker', 'package.json', 'tsconfig.json'];

export type Version = {
  /** What runs it: the `main` of a `TestServer`. */
  main: string;
  /** Puts another text in the place of one that must be there. */
  change(file: string, from: string, to: string): void;
  remove(): void;
};

/** The same program under another version number. */
export function copyAs(version: string): Version {
  const { path, remove } = temporaryDirectory();
  for (const part of PARTS) cpSync(join(ROOT, part), join(path, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(path, 'node_modules'));
  const change: Version['change'] = (file, from, to) => {
    const text = readFileSync(join(path, file), 'utf8');
    if (!text.includes(from)) throw new Error(`${file} does not say: ${from}`);
    writeFileSync(
      join(path, file),
      text.replace(from, () => to),
    );
  };
  change('package.json', '"version": "0.1.0"', `"version": "${version}"`);
  return { main: join(path, 'src/main.ts'), change, remove };
}

/** The next release: a step more in each turn, behind a patch, and a migration that older code runs beside. */
export function nextVersion(): Version {
  const version = copyAs('0.2.0');
  addStep(version, "if (patched('a pause')) await sleep(1);");
  version.change('src/journal/migrations/index.ts', 'export const migrations', `${MIGRATION}\nexport const migrations`);
  version.change(
    'src/journal/migrations/index.ts',
    "'0007-run-ends': { ...runEnds, besideOlder: true },",
    "'0007-run-ends': { ...runEnds, besideOlder: true },\n  '9000-later': { ...later, besideOlder: true },",
  );
  return version;
}

/** A release that must not be: its workflow does something else than the histories of runs say, without a patch. */
export function brokenVersion(): Version {
  const version = copyAs('0.3.0');
  addStep(version, 'await sleep(1);');
  return version;
}

function addStep({ change }: Version, statement: string): void {
  change('workflows/agent-run.ts', '  async function turn() {', `  async function turn() {\n    ${statement}`);
  change('workflows/agent-run.ts', '  proxyActivities,', '  patched,\n  proxyActivities,');
}

const MIGRATION = `const later = {
  async up(db: Kysely<never>): Promise<void> {
    for (const table of ['runs', 'events', 'messages', 'outbox']) {
      await db.schema.alterTable(table).addColumn('later', 'text', (c) => c.notNull().defaultTo('')).execute();
    }
    await db.schema.createTable('later').addColumn('id', 'text', (c) => c.primaryKey()).execute();
  },
};
`;
