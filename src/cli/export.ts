import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import type { ExportCursor, ExportPiece } from '../shard/portable-export.ts';
import { escapeValue } from '../xml/writer.ts';
import { parseJid } from '../xmpp/jid.ts';
import { NS_PIE } from '../xmpp/namespaces.ts';
import { FinishedFile } from './finished-file.ts';
import { formatBytes, print } from './io.ts';
import type { Runner } from './runner.ts';
import { type Ask, withServerOrStorage } from './server-access.ts';
import { eachUserPage } from './user-pages.ts';

/** Users whose first pieces are asked for at a time. */
const AHEAD = 8;

interface Options {
  readonly user?: string;
  readonly host?: string;
  readonly force?: boolean;
}

export function addExport(program: Command, runner: Runner): void {
  program
    .command('export')
    .description('write accounts with their data to a file of XEP-0227, which other servers can import')
    .argument('<file>', 'where to')
    .option('--user <jid>', 'this account only')
    .option('--host <domain>', 'the accounts of this domain only')
    .option('--force', 'replace the file if it exists')
    .action((file: string, options: Options) =>
      runner.run(async (target, io) => {
        const result = await withServerOrStorage(target, io, (ask) => exportTo(resolve(file), options, ask));
        print(
          io,
          result,
          () =>
            `${result.file}: ${formatBytes(result.bytes)}, ${result.users} accounts of ${result.hosts} domains${result.damaged === 0 ? '' : `; ${result.damaged} messages were left out, which are damaged in the database`}`,
        );
        return 0;
      }),
    );
}

interface Exported {
  readonly file: string;
  readonly bytes: number;
  readonly hosts: number;
  readonly users: number;
  /** Messages that were left out. */
  readonly damaged: number;
}

async function exportTo(path: string, { user, host, force }: Options, ask: Ask): Promise<Exported> {
  if (user !== undefined && host !== undefined)
    throw new AdminError('usage', 'either --user or --host, or none of them');
  const jid = user === undefined ? undefined : parseJid(user)?.bareJid;
  if (user !== undefined && (jid === undefined || jid.local === ''))
    throw new AdminError('invalid_jid', `not the address of a user: ${user}`);
  const hosts =
    jid !== undefined ? [jid.domain] : host !== undefined ? [host] : ((await ask('domains')) as string[]);
  const file = openFile(path, force === true);
  const counts: Counts = { users: 0, damaged: 0 };
  try {
    file.write(`<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns='${NS_PIE}'>\n`);
    for (const domain of hosts) {
      file.write(`<host jid='${escapeValue(domain)}'>\n`);
      if (jid !== undefined) await exportUsers([jid.bare], file, ask, counts);
      else {
        await eachUserPage(ask, domain, async (page) => {
          await exportUsers(page, file, ask, counts);
        });
      }
      file.write('</host>\n');
    }
    file.write('</server-data>\n');
    file.finish();
  } catch (cause) {
    file.discard();
    if (cause instanceof AdminError) throw cause;
    throw new AdminError('export_failed', `nothing was exported: ${(cause as Error).message}`);
  }
  return { file: path, bytes: file.bytes, hosts: hosts.length, ...counts };
}

function openFile(path: string, isForced: boolean): FinishedFile {
  try {
    return new FinishedFile(path, isForced);
  } catch (cause) {
    if (cause instanceof AdminError) throw cause;
    throw new AdminError('export_failed', `cannot write ${path}: ${(cause as Error).message}`);
  }
}

interface Counts {
  users: number;
  damaged: number;
}

/** Accounts that are removed meanwhile are left out. */
async function exportUsers(
  jids: readonly string[],
  file: FinishedFile,
  ask: Ask,
  counts: Counts,
): Promise<void> {
  const piece = async (jid: string, cursor: ExportCursor | null): Promise<ExportPiece | undefined> => {
    try {
      return (await ask('export_user', { jid, cursor })) as ExportPiece;
    } catch (cause) {
      const isGone = cause instanceof AdminError && cause.code === 'user_unknown';
      if (isGone && cursor === null && jids.length > 1) return undefined;
      throw cause;
    }
  };
  const first: Promise<ExportPiece | undefined>[] = [];
  for (let i = 0; i < jids.length; i++) {
    for (let ahead = first.length; ahead < Math.min(jids.length, i + AHEAD); ahead++) {
      const asked = piece(jids[ahead]!, null);
      // Whoever comes to it hears of its failure.
      asked.catch(() => {});
      first.push(asked);
    }
    const jid = jids[i]!;
    let part = await first[i]!;
    if (part === undefined) continue;
    counts.users++;
    file.write(`<user name='${escapeValue(jid.slice(0, jid.lastIndexOf('@')))}'>\n`);
    for (;;) {
      file.write(part.xml);
      counts.damaged += part.damaged;
      if (part.next === null) break;
      part = (await piece(jid, part.next))!;
    }
    file.write('</user>\n');
  }
}
