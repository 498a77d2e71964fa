import { credentialElements } from '../auth/portable-credentials.ts';
import { CommandError } from '../util/command-error.ts';
import { escapeValue, serialize } from '../xml/writer.ts';
import { accountOf } from './account-commands.ts';
import type { CommandArgs } from './commands.ts';
import { givenCredentials } from './portable-accounts.ts';
import type { Shard } from './shard.ts';

/** What one answer holds, in UTF-16 units; a page of entries more at most. */
const CHARS_MAX = 524_288;

/** Where the next piece of a user's data begins: in which part, and behind what. Inside of a container its opening tag was written already. */
export type ExportCursor = readonly [part: number, after: string | null];

/** A piece of the inside of a `<user/>`. The pieces one after another are the whole. */
export interface ExportPiece {
  readonly xml: string;
  readonly next: ExportCursor | null;
  /** Entries that were left out because they are damaged in the database. */
  readonly damaged: number;
}

/** A piece of everything that there is of a user and that XEP-0227 has a place for. */
export async function exportUserPiece(
  shard: Shard,
  { jid: text = '', input = {} }: CommandArgs,
): Promise<ExportPiece> {
  const { jid, hostType } = accountOf(shard, text);
  const cursor = readCursor(input['cursor']);
  const parts = shard.portableParts.all(hostType.name);
  let xml = '';
  if (cursor === undefined) {
    const { auth } = shard.hostTypes.auth(hostType.name)!;
    if (!(await auth.doesUserExist(jid.domain, jid.local)))
      throw new CommandError('user_unknown', `there is no user ${jid.bare}`);
    const details = await givenCredentials(shard, hostType, jid);
    if (details !== undefined)
      xml = credentialElements(details)
        .map((element) => `${serialize(element)}\n`)
        .join('');
  }
  let damaged = 0;
  let [index, after] = cursor ?? [0, null];
  while (index < parts.length) {
    const part = parts[index]!;
    const page = await part.read(jid, after);
    if (after === null && part.isContainer && (page.entries.length > 0 || page.next !== null))
      xml += `<${part.name} xmlns='${escapeValue(part.ns)}'>\n`;
    for (const entry of page.entries) xml += `${entry}\n`;
    damaged += page.damaged ?? 0;
    const hasContent = after !== null || page.entries.length > 0;
    after = page.next;
    if (after === null) {
      if (part.isContainer && hasContent) xml += `</${part.name}>\n`;
      index++;
    }
    if (xml.length >= CHARS_MAX) break;
  }
  return { xml, next: index < parts.length ? [index, after] : null, damaged };
}

function readCursor(value: unknown): ExportCursor | undefined {
  if (value === undefined || value === null) return undefined;
  const [part, after] = Array.isArray(value) ? (value as unknown[]) : [];
  if (
    typeof part === 'number' &&
    Number.isInteger(part) &&
    part >= 0 &&
    (after === null || typeof after === 'string')
  )
    return [part, after];
  throw new CommandError('bad_request', 'not a cursor of an export');
}
