import type { Journal } from '../journal/journal.ts';
import type { Connected } from './link.ts';

export const NAMESPACE_META = 'temporal.namespace_id';

/**
 * Whether Temporal's namespace is the one this journal's runs live in. The first one seen is remembered. A server of our own,
 * its file in our data directory, is always ours: when that file was lost its runs are rebuilt. Pointed at another namespace
 * nothing is rebuilt, until an operator lets the journal forget the old one (`holdfast doctor --adopt-namespace`).
 */
export async function namespaceIsKnown(journal: Journal, connected: Connected, ownServer: boolean): Promise<boolean> {
  const known = await journal.db
    .selectFrom('meta')
    .select('value')
    .where('key', '=', NAMESPACE_META)
    .executeTakeFirst();
  if (known?.value === connected.namespaceId) return true;
  if (known && known.value !== '' && !ownServer) return false;
  await journal.write('setMeta', { key: NAMESPACE_META, value: connected.namespaceId });
  return true;
}
