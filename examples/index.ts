import { play as approval } from './approval/client.ts';
import { play as childRuns } from './child-runs/client.ts';
import { play as files } from './files/client.ts';
import type { Example } from './run-example.ts';

export const examples: readonly Example[] = [
  { name: 'approval', play: approval },
  { name: 'child-runs', play: childRuns },
  { name: 'files', play: files },
];
