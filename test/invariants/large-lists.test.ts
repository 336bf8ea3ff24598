/** What a list gives at once is bounded in bytes, not only in number. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_PAGE_BYTES } from '../../src/runs/page-bytes.ts';
import { openStack, type Stack } from '../support/stack.ts';

const MESSAGES = 12;
const TEXT = 'x'.repeat(1_000_000);

let stack: Stack;
let thread: string;
beforeAll(async () => {
  stack = await openStack();
  thread = ((await (await stack.send('POST', '/v1/threads', { body: {} })).json()) as { id: string }).id;
  for (let i = 0; i < MESSAGES; i++) {
    const body = { role: 'user', content: `${i} ${TEXT}` };
    expect((await stack.send('POST', `/v1/threads/${thread}/messages`, { body })).status).toBe(201);
  }
});
afterAll(() => stack.close());

type Listed = { id: string; content: unknown }[];

describe('a list of large messages', () => {
  it('ends a page before it is too large, says that more follow, and loses none', async () => {
    const seen: string[] = [];
    let next: string | undefined = `/v1/threads/${thread}/messages?limit=200`;
    for (let pages = 0; next !== undefined; pages++) {
      expect(pages).toBeLessThan(3);
      const answer = await stack.send('GET', next);
      const text = await answer.text();
      expect(text.length).toBeLessThan(MAX_PAGE_BYTES * 1.1);
      seen.push(...(JSON.parse(text) as Listed).map(({ id }) => id));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    expect(new Set(seen).size).toBe(MESSAGES);
    expect(seen).toEqual([...seen].sort().reverse());
  });

  it('does the same in the Assistants dialect, where has_more says so', async () => {
    const seen: string[] = [];
    for (let after = ''; ; after = `&after=${seen.at(-1)}`) {
      const answer = await stack.send('GET', `/openai/v1/threads/${thread}/messages?limit=100&order=asc${after}`);
      const page = (await answer.json()) as { data: Listed; has_more: boolean };
      expect(page.data.length).toBeGreaterThan(0);
      seen.push(...page.data.map(({ id }) => id));
      if (!page.has_more) break;
      expect(page.data.length).toBeLessThan(MESSAGES);
    }
    expect(new Set(seen).size).toBe(MESSAGES);
  });
});
