import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { createKey, DEFAULT_ORG } from '../runs/keys.ts';
import { SCOPES, type Scope } from '../runs/types.ts';
import { processTerminal, type Terminal } from './terminal.ts';

type CreateOptions = { org: string; user?: string; name?: string; email?: string; scopes: Scope[]; expires?: number };

/** `holdfast keys`: API keys of the data directory's organisations; may run beside a server. */
export function addKeysCommand(program: Command, terminal: Terminal = processTerminal()): void {
  const keys = program
    .command('keys')
    .description('Create, list and revoke API keys. An organisation exists from its first key.');
  keys
    .command('create')
    .description('Make a key and print it: it is shown once and stored only as a hash.')
    .option('--org <org_id>', 'the organisation', parseOrg, DEFAULT_ORG)
    .option('--user <user_id>', 'the user behind the key: created_by_user_id of its runs')
    .option('--name <name>', "the user's name: created_by_user_name")
    .option('--email <email>', "the user's e-mail: created_by_email")
    .option('--scopes <list>', `comma-separated: ${SCOPES.join(', ')}`, parseScopes, ['admin'] as Scope[])
    .option('--expires <when>', 'a time (2027-01-31T00:00:00Z) or a span from now (90d, 12h, 30m)', parseExpiry)
    .action((options: CreateOptions) => withJournal(terminal, (journal) => create(journal, terminal, options)))
    .addHelpText(
      'after',
      `
Examples:
  $ holdfast keys create --org acme --user u_1 --name Ada --email ada@acme.test --scopes runs:read,runs:write --expires 90d`,
    );
  keys
    .command('list')
    .description('List keys, one JSON object a line, without their secrets.')
    .option('--org <org_id>', 'only this organisation', parseOrg)
    .action((options: { org?: string }) => withJournal(terminal, (journal) => list(journal, terminal, options.org)))
    .addHelpText('after', '\nExamples:\n  $ holdfast keys list --org acme');
  keys
    .command('revoke <key_id>')
    .description('Revoke a key: it is refused from now on, and its event streams end within seconds.')
    .action((id: string) => withJournal(terminal, (journal) => revoke(journal, terminal, id)))
    .addHelpText('after', '\nExamples:\n  $ holdfast keys revoke key_01m80…');
}

async function withJournal(terminal: Terminal, work: (journal: Journal) => Promise<void>): Promise<void> {
  const { openJournal } = await import('../server/open-journal.ts');
  const journal = await openJournal(loadConfig(terminal.env, terminal.cwd));
  try {
    await work(journal);
  } finally {
    await journal.close();
  }
}

async function create(journal: Journal, terminal: Terminal, options: CreateOptions): Promise<void> {
  const { id, token } = await createKey(journal, {
    org_id: options.org,
    user_id: options.user ?? null,
    user_name: options.name ?? null,
    user_email: options.email ?? null,
    scopes: options.scopes,
    expires_at: options.expires ?? null,
  });
  terminal.stderr.write(`key ${id} of organisation ${options.org}, scopes ${options.scopes.join(', ')}\n`);
  terminal.stdout.write(`${token}\n`);
}

async function list(journal: Journal, terminal: Terminal, org: string | undefined): Promise<void> {
  let query = journal.db.selectFrom('api_keys').selectAll().orderBy('id');
  if (org !== undefined) query = query.where('org_id', '=', org);
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  for (const key of await query.execute()) {
    const { id, org_id, user_id, user_name, user_email } = key;
    const shown = {
      ...{ id, org_id, prefix: key.prefix, user_id, user_name, user_email, scopes: JSON.parse(key.scopes) as Scope[] },
      ...{ created_at: time(key.created_at), expires_at: time(key.expires_at), revoked_at: time(key.revoked_at) },
    };
    terminal.stdout.write(`${JSON.stringify(shown)}\n`);
  }
}

async function revoke(journal: Journal, terminal: Terminal, id: string): Promise<void> {
  const revoked = await journal.write('revokeKey', { id });
  if (!revoked) throw new HoldfastError('keys.not_found', `No active key ${id}; \`holdfast keys list\` shows them.`);
  terminal.stdout.write(`revoked ${id}\n`);
}

const ORG = /^[A-Za-z0-9_.-]{1,64}$/;

function parseOrg(text: string): string {
  if (!ORG.test(text)) throw new InvalidArgumentError('expected letters, digits, _ . - (at most 64).');
  return text;
}

function parseScopes(text: string): Scope[] {
  const scopes = text.split(',').map((scope) => scope.trim());
  for (const scope of scopes) {
    if (!(SCOPES as readonly string[]).includes(scope)) {
      throw new InvalidArgumentError(`unknown scope ${scope}, expected of ${SCOPES.join(', ')}.`);
    }
  }
  return scopes as Scope[];
}

const UNIT_MS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };

function parseExpiry(text: string): number {
  const span = /^(\d+)([dhms])$/.exec(text);
  const at = span ? Date.now() + Number(span[1]) * (UNIT_MS[span[2] ?? ''] ?? 0) : Date.parse(text);
  if (Number.isNaN(at))
    throw new InvalidArgumentError('expected a time (2027-01-31T00:00:00Z) or a span (90d, 12h, 30m, 45s).');
  if (at <= Date.now()) throw new InvalidArgumentError('expected a time in the future.');
  return at;
}
