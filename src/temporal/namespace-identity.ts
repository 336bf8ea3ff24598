import type { Journal } from '../journal/journal.ts';
import type { Connected } from './link.ts';

export const NAMESPACE_META = 'temporal.namespace_id';
/** Marks the namespace of a server of our own. */
const OWN = 'own:';

/**
 * Whether Temporal's namespace is the one this journal's runs live in. The first one seen is remembered. When it was that of a server of
 * our own, its file in our data directory, and that file was lost, the runs are rebuilt in the next. Pointed at another
 * namespace nothing is rebuilt, until an operator lets the journal forget the old one (`holdfast doctor --adopt-namespace`).
 */
export async function namespaceIsKnown(journal: Journal, connected: Connected, ownServer: boolean): Promise<boolean> {
  const known = await journal.db
    .selectFrom('meta')
    .select('value')
    .where('key', '=', NAMESPACE_META)
    .executeTakeFirst();
  const value = `${ownServer ? OWN : ''}${connected.namespaceId}`;
  if (known?.value === value) return true;
  const lostOwn = ownServer && known?.value.startsWith(OWN);
  if (known && known.value !== '' && !lostOwn) return false;
  // Of two processes that see the first one at the same time, in two namespaces, one is right.
  return await journal.write('setMeta', { key: NAMESPACE_META, value, from: known?.value ?? null });
}
