import type { ModuleDefinition, Xep } from '../src/modules/module.ts';
import { CORE_XEPS, RFCS, XEP_TITLES } from './standards.ts';

/** Who follows a specification. */
interface Use {
  readonly where: string;
  readonly xep: Xep;
}

const HEAD = `\
<!-- Written by docs/xeps-page.ts from docs/standards.ts and the modules' declarations. Change it there, then: npm run docs -->

# Specifications

What Meerkat does itself. Specifications that only clients need to agree on (chat states, message correction, end-to-end encryption,
file transfer between clients and so on) work because stanzas pass as they were sent.

The versions are those that the code was written after. Where Meerkat follows an RFC rather than MongooseIM is told in
[architecture.md](architecture.md#where-we-differ-from-mongooseim).`;

/** The page `docs/xeps.md`. */
export function xepsPage(modules: Iterable<ModuleDefinition>): string {
  return `${[HEAD, '## RFCs', rfcTable(), '## XEPs', xepTable(modules)].join('\n\n')}\n`;
}

function rfcTable(): string {
  const rows = RFCS.toSorted((a, b) => a.number - b.number).map(({ number, title, note }) =>
    row(`[RFC ${number}](https://www.rfc-editor.org/rfc/rfc${number})`, title, note),
  );
  return [row('RFC', 'Title', 'Which part'), '|---|---|---|', ...rows].join('\n');
}

function xepTable(modules: Iterable<ModuleDefinition>): string {
  const uses: Use[] = CORE_XEPS.map((xep) => ({ where: 'core', xep }));
  for (const { name, xeps = [] } of modules) for (const xep of xeps) uses.push({ where: name, xep });
  const rows = uses
    .toSorted((a, b) => a.xep.number - b.xep.number || compare(a.where, b.where))
    .map(({ where, xep }) => {
      const number = String(xep.number).padStart(4, '0');
      const link = `[XEP-${number}](https://xmpp.org/extensions/xep-${number}.html)`;
      const place = where === 'core' ? where : `[${where}](modules/${where}.md)`;
      return row(link, titleOf(xep), xep.version, place, xep.note ?? '');
    });
  return [row('XEP', 'Title', 'Version', 'Where', 'Which part'), '|---|---|---|---|---|', ...rows].join('\n');
}

function titleOf({ number }: Xep): string {
  const title = XEP_TITLES.get(number);
  if (title === undefined) throw new Error(`docs/standards.ts has no title for XEP ${number}`);
  return title;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
