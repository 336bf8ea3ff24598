/** The configuration under which chaos runs: a route to the stub provider, which may be away for long, and personas with tools. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Stub, startStub } from './stub.ts';

/** An outage of the provider is no failure of a run here: what is tested is that nothing is lost. */
const PROVIDER_RETRIES = 1_000;
const IDLE_TIMEOUT_S = 12;
/** Longer than any stub stays frozen: a call that is late is not an error. */
const TOOL_TIMEOUT_S = 60;

export type Stubs = { provider: Stub; tools: Stub; providerLog: string; toolsLog: string; config: string };

/** Starts provider and MCP server, and writes the holdfast.yaml that names them. */
export async function startStubs(directory: string, ports: { provider: number; tools: number }): Promise<Stubs> {
  const providerLog = join(directory, 'provider.jsonl');
  const toolsLog = join(directory, 'tools.jsonl');
  for (const log of [providerLog, toolsLog]) writeFileSync(log, '');
  const [provider, tools] = await Promise.all([
    startStub('provider.ts', { name: 'provider', weight: 2, port: ports.provider, log: providerLog }),
    startStub('tools.ts', { name: 'tools', weight: 2, port: ports.tools, log: toolsLog }),
  ]);
  const config = join(directory, 'holdfast.yaml');
  writeFileSync(config, stringify(configuration(ports)));
  return { provider, tools, providerLog, toolsLog, config };
}

function configuration(ports: { provider: number; tools: number }) {
  const tools = ['ask_user', 'run_agent', 'wait', 'effects/*'];
  return {
    routes: [
      {
        id: 'stub',
        provider: 'openai-compatible',
        model: 'stub',
        base_url: `http://127.0.0.1:${ports.provider}/v1`,
        retries: PROVIDER_RETRIES,
        idle_timeout_s: IDLE_TIMEOUT_S,
      },
    ],
    personas: [
      { key: 'free', route: 'stub', tools },
      { key: 'careful', route: 'stub', tools, approval: { 'effects/*': 'always' } },
    ],
    mcp: { effects: { url: `http://127.0.0.1:${ports.tools}/mcp`, timeout_s: TOOL_TIMEOUT_S } },
  };
}
