import { writeFileSync } from 'node:fs';
import type { Part, Point } from '../src/hooks/point.ts';
import { C2S_PARAMS } from '../src/hooks/points/common.ts';
import { POINT_GROUPS } from '../src/hooks/points/groups.ts';
import { HOOK_NAMES, POINTS } from '../src/hooks/points.ts';

/**
 * Writes `docs/hooks.md` from the declarations of the hook points: `node docs/hooks-table.ts`.
 * With `--print` it goes to the terminal instead.
 */

type AnyPoint = Point<unknown, unknown>;

/** Who runs the hooks of each part. */
const RUN_BY: Readonly<Record<Part, string>> = {
  core: 'this version',
  archive: 'not yet: archive',
  rooms: 'not yet: rooms',
  pubsub: 'not yet: pubsub',
  federation: 'not yet: federation',
  retired: 'nobody: retired',
};

/** What the parts are. */
const PARTS: readonly (readonly [Part, string])[] = [
  [
    'core',
    'sessions and logging in, routing, rosters, presence, privacy lists, stream management, offline messages, accounts, tokens, capabilities, commands, vCards, notifications; built',
  ],
  ['archive', 'archives of users, inbox'],
  ['rooms', 'MUC, MUC Light and their archives'],
  ['pubsub', 'publish-subscribe'],
  ['federation', 'other servers, global distribution'],
  ['retired', 'names that MongooseIM no longer has; a handler may be registered, and is never run'],
];

const INTRODUCTION = `# Hooks

<!-- Written by docs/hooks-table.ts from src/hooks/points/. Change it there. -->

A hook is a named moment in the life of a stanza, a session or an account. Modules register handlers for it; the server runs
them when the moment comes. Nearly everything that Meerkat does beside routing is done by handlers. The names are
MongooseIM's; parameters are named like there, in camel case (\`muc_host\` is \`mucHost\`), and those of a session are listed
[below](#the-parameters-of-a-session).

## A handler

\`\`\`ts
import { type Handler, STOP, stop } from 'meerkat/module';

/** Clients may not send headlines; who sent anything else is noted for later handlers. */
export const screen: Handler<'user_send_message'> = (acc, session) => {
  if (acc.stanza?.type === 'headline') return STOP;
  acc.set('mod_mine', 'sender', session.jid?.bare);
  return undefined;
};

/** Accounts of a directory exist too. */
export const find: Handler<'does_user_exist'> = async (_exists, { jid }) => {
  if (await directory.has(jid.bare)) return stop(true);
  return undefined;
};
\`\`\`

A handler gets the accumulator, the parameters, and a record about its registration (\`hook_name\`, \`hook_tag\`,
\`host_type\`). The type \`Handler<'name'>\` knows all of that for each hook.

## What it may return

The accumulator is one of two kinds, and the tables say which.

| The hook runs over | return | and then |
|---|---|---|
| the accumulator of a stanza | nothing | the next handler runs |
| | \`STOP\` | the chain ends: the handler has taken over. What that means is told with each hook |
| | \`DROP\` | the chain ends, and the stanza goes no further, silently. Where the hook does not mention DROP, it is the same as STOP |
| a value | nothing | the value stays as it is, and the next handler gets it |
| | a value | the next handler gets this one |
| | \`stop(value)\` | the chain ends with this value |
| either | a promise of one of these | see below |

- An accumulator is changed in place: \`acc.set\`, \`acc.setPermanent\`, \`acc.updateStanza\`, \`acc.addAction\`. Temporary keys end
  when the stanza is handed to the recipient's domain, permanent ones travel with it.
- A value is never changed: return a changed copy. A hook that only announces something has no value, and its handlers
  return nothing.
- Actions (\`acc.addAction\`) ask the session's state machine for something: to write, to deliver, to end. They are heard only in
  hooks that a session runs for itself, after the chain and the routing that followed from it.

## Order

- **The lower priority runs first.** Priorities are positive integers.
- Equal priorities keep the order of registration, which is the order in which modules start: a module starts after those
  that it depends on.

## Promises

A handler is synchronous, and should be. One that returns a promise suspends the stanza, and with it the input of that session
alone, until the promise settles: other sessions go on, and what this client sends meanwhile is read afterwards, in order. A
promise that does not settle within its deadline counts as a failure.

## Failures

A handler that throws, whose promise is rejected or late, or that returns something it may not, is logged with module, hook and
stanza, and counted. What it had changed in the accumulator through its methods is undone, keys, stanza and actions alike; what
it sent or stored is not. Then the next handler runs, as if this one were not there. A handler that missed its deadline must not
touch the accumulator any more.

Some hooks protect something and must not let it through because a check broke. They are *closed*: a failure ends the chain with
STOP, or with a value that refuses. The tables say so.

## Registration

A registration is a hook, a tag, a priority and a handler. The tag is the name of a host type, or \`global\`; the scope of a hook
tells which of them it is run with. Handlers of one never hear what is run for the other. While a domain, and so its host type,
is unknown, hooks of host types are not run.

A module registers its handlers after it has started, and they are removed before it stops. Both become visible by a *reload*,
which builds every chain anew and swaps them between two stanzas: a stanza in the middle of a chain keeps the chain that it
began with. The same handler with the same priority twice is ignored, with a warning.

A hook that nobody registered for costs its caller one comparison.

## How to read the tables

- **Scope**: the host type concerned, or global.
- **Runs**: who runs it, and when.
- **Accumulator**: what the first handler gets.
- **Parameters**: the second argument. Their types stand in the file that is named above the tables.
- **Result**: what the caller does with it.
- **On failure**: only for closed hooks.
- **Counted**: whether \`meerkat_hook_runs_total\` counts the runs for which there was a handler. Hooks on the way of every
  stanza, and those with better metrics of their own, are not counted.
- **Run by**: this version, or the part of the project that will run it. Handlers may be registered before that.
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** The explained parameters of a hook. */
function params(point: AnyPoint): string {
  if (point.params === C2S_PARAMS) return '[those of a session](#the-parameters-of-a-session)';
  const list = Object.entries<string>(point.params).map(([name, text]) => `\`${name}\`: ${text}`);
  return list.length === 0 ? 'none' : list.join('<br>');
}

function hookTable(name: string, point: AnyPoint): string {
  const lines = [
    `### \`${name}\``,
    '',
    row('', ''),
    '|---|---|',
    row('Scope', point.scope === 'global' ? 'global' : 'host type'),
    row('Runs', point.when),
    row('Accumulator', point.acc),
    row('Parameters', params(point)),
    row('Result', point.result),
  ];
  if (point.failure === 'closed') {
    const { refusal } = point;
    const end =
      refusal === undefined
        ? 'STOP'
        : typeof refusal === 'string'
          ? `\`${refusal}\``
          : 'a value that says so';
    lines.push(row('On failure', `Closed: the chain ends with ${end}.`));
  }
  lines.push(row('Counted', point.counted === false ? 'no' : 'yes'), row('Run by', RUN_BY[point.part]), '');
  return lines.join('\n');
}

function sessionParams(): string {
  const rows = Object.entries(C2S_PARAMS).map(([name, text]) => row(`\`${name}\``, text));
  return `## The parameters of a session

Hooks that a session runs get these. To change anything, a handler asks by an action of the accumulator.

| Parameter | |
|---|---|
${rows.join('\n')}
`;
}

/** Links to the subjects. */
function contents(): string {
  const links = POINT_GROUPS.map(({ title, points }) => {
    const anchor = title.toLowerCase().replaceAll(' ', '-');
    return `- [${title}](#${anchor}), ${Object.keys(points).length}`;
  });
  return `## Subjects\n\n${links.join('\n')}\n- [All hooks](#all-hooks) by name, and which part runs them\n`;
}

function groups(): string {
  return POINT_GROUPS.map(({ title, file, points }) => {
    const tables = Object.entries(points).map(([name, point]) => hookTable(name, point));
    return `## ${title}\n\nDeclared in \`src/hooks/points/${file}\`.\n\n${tables.join('\n')}`;
  }).join('\n');
}

function allHooks(): string {
  const parts = PARTS.map(([part, text]) => {
    const count = HOOK_NAMES.filter((name) => POINTS[name].part === part).length;
    return row(part, text, String(count));
  });
  const rows = HOOK_NAMES.toSorted().map((name) => row(`[\`${name}\`](#${name})`, RUN_BY[POINTS[name].part]));
  return `## All hooks

Which part of the project runs what:

| Part | | Hooks |
|---|---|---|
${parts.join('\n')}

| Hook | Run by |
|---|---|
${rows.join('\n')}
`;
}

/** The whole page. */
export function hooksPage(): string {
  return [INTRODUCTION, contents(), sessionParams(), groups(), allHooks()].join('\n');
}

if (import.meta.main) {
  if (process.argv.includes('--print')) process.stdout.write(hooksPage());
  else writeFileSync(new URL('hooks.md', import.meta.url), hooksPage());
}
