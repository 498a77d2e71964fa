import type { PersonalData, PersonalPage, PersonalRow } from '../hooks/values.ts';
import type { UserExport } from '../shard/data-commands.ts';
import { type Io, table } from './io.ts';
import type { Ask } from './server-access.ts';

/** Writes everything that is stored about a user, page by page: a table may be longer than what is good to be held. */
export async function showUserExport(io: Io, ask: Ask, jid: string): Promise<void> {
  const all = (await ask('user_export', { jid })) as UserExport;
  const show = io.isJson ? showJson : showTables;
  await show(io, all, (name, after) => {
    return ask('user_export_page', { jid: all.jid, table: name, after }) as Promise<PersonalPage>;
  });
}

type ReadOn = (name: string, after: string) => Promise<PersonalPage>;

/** One line, as if it were written at once. */
async function showJson(io: Io, { jid, tables }: UserExport, readOn: ReadOn): Promise<void> {
  io.out(`{"jid":${JSON.stringify(jid)},"tables":[`);
  for (const [index, one] of tables.entries()) {
    const { name, columns } = one;
    io.out(`${index === 0 ? '' : ','}{"name":${JSON.stringify(name)},"columns":${JSON.stringify(columns)},`);
    io.out('"rows":[');
    let isFirst = true;
    for await (const rows of pages(one, readOn)) {
      const text = rows.map((row) => JSON.stringify(row)).join(',');
      io.out(isFirst || text === '' ? text : `,${text}`);
      isFirst &&= text === '';
    }
    io.out(']}');
  }
  io.out(']}\n');
}

/** Each table under its name, with the number of its rows. */
async function showTables(io: Io, { jid, tables }: UserExport, readOn: ReadOn): Promise<void> {
  if (tables.length === 0) io.out(`nothing but the account is stored of ${jid}\n`);
  for (const [index, one] of tables.entries()) {
    const { name, columns, rows: first, next = null, size = 0 } = one;
    const count = next === null ? first.length : size;
    io.out(`${index === 0 ? '' : '\n'}${name} (${count})\n`);
    let head = [columns];
    for await (const rows of pages(one, readOn)) {
      if (head.length + rows.length > 0) io.out(`${table([...head, ...rows])}\n`);
      head = [];
    }
  }
}

/** The rows of a table in pieces. */
async function* pages(
  { name, rows, next: begun = null }: PersonalData,
  readOn: ReadOn,
): AsyncGenerator<readonly PersonalRow[]> {
  yield rows;
  for (let next = begun; next !== null; ) {
    const page = await readOn(name, next);
    yield page.rows;
    next = page.next;
  }
}
