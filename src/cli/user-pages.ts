import type { Ask } from './server-access.ts';

const PAGE = 1_000;

/** Gives the accounts of a domain (bare JIDs) page by page, in order: there may be millions. */
export async function eachUserPage(
  ask: Ask,
  domain: string,
  work: (page: readonly string[]) => void | Promise<void>,
): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const page = (await ask('user_list', { domain, after, limit: PAGE })) as string[];
    await work(page);
    if (page.length < PAGE) return;
    const last = page.at(-1)!;
    after = last.slice(0, last.lastIndexOf('@'));
  }
}
