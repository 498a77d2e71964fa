import type { HostType } from '../hooks/host-type.ts';
import { foldHook } from '../hooks/run.ts';
import {
  DATA_INCOMPLETE,
  type DomainRemoval,
  PAGE_INCOMPLETE,
  type PersonalData,
  type PersonalPage,
} from '../hooks/values.ts';
import { CommandError } from '../util/command-error.ts';
import type { Jid } from '../xmpp/jid.ts';

/** What is stored about one user. */
export interface UserExport {
  readonly jid: string;
  readonly tables: readonly PersonalData[];
}

/** Everything that is stored about a user, by the hook `get_personal_data`: all tables or nothing. Those with a `next` go on with {@link exportUserPage}. */
export async function exportUser(hostType: HostType, jid: Jid): Promise<UserExport> {
  const tables = await foldHook(hostType, 'get_personal_data', [], { jid });
  if (tables === DATA_INCOMPLETE) {
    throw new CommandError(
      'export_failed',
      `a module could not say what it stores of ${jid.bare}; see the log`,
    );
  }
  return { jid: jid.bare, tables };
}

/** What follows in a table behind `after`, the `next` of what came before. */
export async function exportUserPage(
  hostType: HostType,
  jid: Jid,
  table: string,
  after: string,
): Promise<PersonalPage> {
  const page = await foldHook(hostType, 'get_personal_data_page', null, { jid, table, after });
  if (page === null || page === PAGE_INCOMPLETE || page.next === after) {
    throw new CommandError(
      'export_failed',
      `no module could say what else the table ${table} has of ${jid.bare}; see the log`,
    );
  }
  return page;
}

/**
 * Deletes everything that is stored for a domain and its users, by the hook `remove_domain`: accounts, which ends their sessions, and
 * what modules keep, however long that takes. What was deleted before something failed stays so; it may be tried again.
 */
export async function removeDomainData(hostType: HostType, domain: string): Promise<string> {
  const nothing: DomainRemoval = { failed: [] };
  const { failed: atOnce, rest = [] } = await foldHook(hostType, 'remove_domain', nothing, { domain });
  const ends = await Promise.allSettled(rest.map(({ done }) => done));
  const failed = [
    ...atOnce,
    ...rest.filter((_one, index) => ends[index]!.status === 'rejected').map(({ module }) => module),
  ];
  if (failed.length > 0) {
    const who = failed.join(', ');
    throw new CommandError('removal_failed', `not everything of ${domain} was removed: ${who}; see the log`);
  }
  return domain;
}
