/** How large a page of a list may be: a client that asks for 200 messages of 1 MiB is not given them at once. */
import { type SelectQueryBuilder, sql } from 'kysely';

/** What the long column of a page's rows may hold together; a page that would hold more ends early, and says that more follow. */
export const MAX_PAGE_BYTES = 8 * 1_048_576;

/** How many rows of a page, at most `limit`, are within `MAX_PAGE_BYTES`; one always. `rows` are in the order in which they are read. */
export async function rowsThatFit<DB, T extends keyof DB, O>(
  rows: SelectQueryBuilder<DB, T, O>,
  column: string,
  limit: number,
): Promise<number> {
  const sizes: unknown[] = await rows
    .clearSelect()
    .select(sql<number>`octet_length(${sql.ref(column)})`.as('bytes'))
    .limit(limit)
    .execute();
  let left = MAX_PAGE_BYTES;
  const tooLarge = sizes.findIndex((row) => {
    left -= (row as { bytes: number }).bytes;
    return left < 0;
  });
  return tooLarge < 0 ? limit : Math.max(1, tooLarge);
}
