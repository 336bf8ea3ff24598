/** The workshop as a process. `EXECUTIONS` names its log; `START` makes its start fail, hang, talk or take `START_MS`. */
import { setTimeout as delay } from 'node:timers/promises';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createWorkshop } from './workshop.ts';

const { EXECUTIONS = '/dev/null', START, START_MS } = process.env;

process.stderr.write(`the workshop opens as ${process.pid}\n`);
if (START === 'fail') process.exit(3);
if (START === 'hang') setInterval(() => undefined, 1_000);
else {
  if (START === 'talk') process.stdout.write('welcome to the workshop!\n');
  if (START === 'late') await delay(Number(START_MS));
  const workshop = createWorkshop({
    log: EXECUTIONS,
    die: () => process.kill(process.pid, 'SIGKILL'),
    raw: (line) => process.stdout.write(`${line}\n`),
  });
  await workshop.connect(new StdioServerTransport());
}
