import {
  type Jid,
  type ModuleContext,
  type PersonalData,
  type PersonalPage,
  type PersonalRow,
  parseStableId,
} from '../module.ts';
import type { StoreHandlers } from './store-handlers.ts';

const TABLE = 'mam_pm';

/** A user's archive in the export of what is stored about him: page by page, since there is no telling how long it is. */
export function registerPersonalData(context: ModuleContext, store: StoreHandlers): void {
  context.hook('get_mam_pm_gdpr_data', 50, async (rows, { jid, after }) => {
    const id = after === undefined ? 0n : parseStableId(after);
    // Whose id it is knows what comes behind it.
    if (id === undefined) return undefined;
    return [...rows, ...(await store.personalData(jid.bare, id))];
  });
  context.hook('get_personal_data', 50, async (data, { jid }): Promise<readonly PersonalData[]> => {
    await context.foldHook('mam_archive_sync', undefined, {});
    const page = await pageOf(context, jid, undefined);
    const archive = { archiveId: undefined, owner: jid.bareJid };
    const size = page.next === null ? 0 : await context.foldHook('mam_archive_size', 0, archive);
    return [...data, { name: TABLE, columns: ['id', 'from', 'message'], ...page, size }];
  });
  context.hook('get_personal_data_page', 50, async (_page, { jid, table, after }) => {
    return table === TABLE ? await pageOf(context, jid, after) : undefined;
  });
}

async function pageOf(context: ModuleContext, jid: Jid, after: string | undefined): Promise<PersonalPage> {
  const rows: readonly PersonalRow[] = await context.foldHook('get_mam_pm_gdpr_data', [], { jid, after });
  const last = rows.at(-1)?.[0];
  // Who gives the same again gives everything each time.
  return last === undefined || last === after ? { rows: [], next: null } : { rows, next: last };
}
