import type { z } from 'zod';
import { type CatalogueEntry, catalogue } from '../src/config/catalogue.ts';
import { defaultConfigText } from '../src/config/default-config.ts';
import { ENVIRONMENT_VARIABLES } from '../src/config/environment.ts';
import { DEFAULT_MODULES } from '../src/config/resolve/modules.ts';
import { BUILT_IN_SHAPERS } from '../src/config/resolve/rules.ts';
import { documentSchema } from '../src/config/schema/document.ts';

/** A part of the page: its heading, the paths of the options in its table, and what is said before it. */
interface Section {
  readonly heading: string;
  readonly prefix: string;
  readonly text: string;
}

const SECTIONS: readonly Section[] = [
  { heading: '[general]', prefix: 'general', text: 'The server as a whole.' },
  {
    heading: '[storage]',
    prefix: 'storage',
    text: 'What is kept on disk.',
  },
  { heading: '[admin]', prefix: 'admin', text: 'How the `meerkat` command reaches the server.' },
  {
    heading: '[[listen.c2s]]',
    prefix: 'listen.c2s[]',
    text:
      'Listeners for clients, as many as there are `[[listen.c2s]]` headings. Without any `listen` section there is one on port ' +
      '5222 with STARTTLS. A listener without `[listen.c2s.tls]` is plain TCP; unless it is bound to loopback, that earns a warning.',
  },
  {
    heading: '[listen.c2s.tls]',
    prefix: 'listen.c2s[].tls',
    text: 'An empty section is enough: the certificate is then a self-signed one, made at the first start.',
  },
  {
    heading: '[[listen.c2s.tls.certificate]]',
    prefix: 'listen.c2s[].tls.certificate[]',
    text: 'Certificates for single domains, chosen by the name that the client asks for (SNI).',
  },
  {
    heading: '[[listen.http]]',
    prefix: 'listen.http[]',
    text: 'Listeners for metrics (`/metrics`) and health checks (`/livez`, `/readyz`).',
  },
  {
    heading: '[listen.http.tls]',
    prefix: 'listen.http[].tls',
    text: 'As for clients, encrypted from the first byte.',
  },
  {
    heading: '[[listen.http.tls.certificate]]',
    prefix: 'listen.http[].tls.certificate[]',
    text: 'As for clients.',
  },
  {
    heading: '[auth]',
    prefix: 'auth',
    text: 'Who may log in, and how. [authentication.md](authentication.md) explains the methods, with an example of each.',
  },
  { heading: '[auth.dummy]', prefix: 'auth.dummy', text: 'Everybody, with any password; for load tests.' },
  { heading: '[auth.external]', prefix: 'auth.external', text: 'A program of your own.' },
  {
    heading: '[auth.http]',
    prefix: 'auth.http',
    text: 'A web service: that of `[outgoing_pools.http.auth]`.',
  },
  { heading: '[auth.jwt]', prefix: 'auth.jwt', text: 'Signed tokens (RFC 7519) in place of passwords.' },
  { heading: '[auth.ldap]', prefix: 'auth.ldap', text: 'An LDAP directory.' },
  {
    heading: '[outgoing_pools.http.TAG]',
    prefix: 'outgoing_pools.http.NAME',
    text: 'Connections to a web service. Each shard has its own.',
  },
  {
    heading: '[outgoing_pools.ldap.TAG]',
    prefix: 'outgoing_pools.ldap.NAME',
    text: 'Connections to an LDAP directory. Each shard has its own.',
  },
  {
    heading: '[shaper.NAME]',
    prefix: 'shaper.NAME',
    text: [
      'A token bucket. It holds `burst` bytes at first; what a connection sends is taken out of it, and `max_rate` bytes flow in ' +
        'again every second until it is full. While it is overdrawn the connection is not read: after 2 × `max_rate` bytes too ' +
        'many, for two seconds. Nothing is lost and the order stays.',
      `Two exist without being written down: ${builtInShapers()}. A shaper of the same name replaces them.`,
    ].join('\n\n'),
  },
  {
    heading: '[acl]',
    prefix: 'acl.NAME[]',
    text: [
      '`NAME = [ {pattern}, … ]`. An address is on the list if **any** pattern matches, and a pattern matches if **all** of its ' +
        'keys do. Addresses are compared in their prepared form (RFC 7622: lower case). `{}` is every user of the current domain. ' +
        'The lists `all` and `none` always exist; a list that does not exist is empty, with a warning where a rule names it.',
      'The *current domain* is the one on whose behalf a rule is asked, not necessarily that of the user. Because `match` looks only ' +
        'at it unless told otherwise, `{server = "b.example"}` in a rule of domain `a.example` never matches: write ' +
        '`{match = "all", server = "b.example"}`.',
      'A glob matches the whole text: `*` is any run of characters, `?` any one, `[a-z]` one of a set, `[!a-z]` one outside of ' +
        'it. A regular expression (JavaScript’s, with the `u` flag) is searched for anywhere in the text. Its time is bounded ' +
        'whatever the text; in return, looking ahead or behind, back references and changes of flags are not supported.',
    ].join('\n\n'),
  },
  {
    heading: '[access]',
    prefix: 'access.NAME[]',
    text: [
      '`RULE = [ {acl, value}, … ]`. The first clause whose list the address is on gives the value; if there is none, the value is ' +
        '`deny`. So is that of a rule which does not exist, unless whoever asks has a default. The rules `all` (allow) and `none` ' +
        '(deny) always exist.',
      '| Rule | Value | Meaning |\n|---|---|---|\n' +
        '| the one that `listen.c2s.access` names | `allow`, `deny` | who may open a session through the listener |\n' +
        '| `max_user_sessions` | integer, `infinity` | sessions of a user; beyond, the oldest is replaced. No number: 100 |\n' +
        '| the one that `mod_offline.access_max_user_messages` names | integer, `infinity` | messages kept for a user |\n' +
        '| the one that `mod_register.access` names | `allow`, `deny` | who may have an account |\n' +
        '| `mam_lookup_messages`, `mam_get_prefs`, `mam_set_prefs` | `default`, `allow`, `deny` | who may ask archives of users: each his own, any, or none. No rule: `default` |\n' +
        '| the same with `_shaper` or `_global_shaper` behind | name of a shaper, `none` | how often a session, or all of a shard, may ask them |',
    ].join('\n\n'),
  },
];

/** The page `docs/configuration.md`. Options of modules are shown for the schemas given. */
export function configurationPage(moduleSchemas: ReadonlyMap<string, z.ZodType> = new Map()): string {
  const entries = catalogue(documentSchema);
  const parts = [
    HEAD,
    environment(),
    ...SECTIONS.map((section) => sectionText(section, entries)),
    modules(moduleSchemas),
    hostConfig(entries),
    RELOAD,
    MONGOOSEIM,
  ];
  return `${parts.join('\n\n')}\n`;
}

const HEAD = `\
<!-- Generated from src/config/schema by docs/configuration-page.ts; do not edit. -->

# Configuration

One TOML file, in MongooseIM’s structure and names. [config/meerkat.toml](../config/meerkat.toml) shows every option in place,
with its default. Relative paths in the file start at its directory.

\`\`\`
meerkat start --config meerkat.toml [--data DIR]
meerkat check-config --config meerkat.toml
\`\`\`

Everything wrong is reported at once, with its place and, where there is one, the nearest valid word; then the exit status is 1
and nothing was started:

\`\`\`
meerkat.toml:12:3 listen.c2s[0].prot: unknown key; did you mean "port"?
meerkat.toml:14:3 listen.c2s[0].shaper: no shaper has the name "norml"; did you mean "normal"?
\`\`\`

Without a file the server serves the domain \`localhost\` to this machine, with data in \`./data\`, as if it had read:

\`\`\`toml
${defaultConfigText().trimEnd()}
\`\`\`

The column *Counts* tells when a changed option takes effect after a reload, see [Reload](#reload).

A secret need not stand in the file: each has a twin \`…_file\` that names a file which holds it.`;

const RELOAD = `\
## Reload

\`meerkat reload\` or SIGHUP reads the file again. A file with errors changes nothing. Otherwise each change counts as its option
says: *live*, at once; *new connections*, for those that are made from then on, while the others stay as they are; *restart*,
only when the server starts again, and a warning says so. Certificates and keys are read again even if nothing in the file changed.
A module whose options changed is stopped and started with the new ones.`;

const MONGOOSEIM = `\
## With a file of MongooseIM

It loads. A key of MongooseIM that Meerkat has not built yet, or that concerns only the Erlang machine, is ignored with a warning; a
key that nobody knows is an error. Some defaults differ, on the safe side of running on the open Internet:

| Option | MongooseIM | Meerkat |
|---|---|---|
| \`listen.c2s.max_stanza_size\` | \`"infinity"\` | 262144 |
| \`listen.c2s.shaper\` | none | \`"normal"\` |
| \`listen.c2s.max_connections_per_address\`, \`connections_per_second_per_address\` | – | 256, 30 |
| \`listen.*.tls.verify_mode\` | \`"peer"\` | \`"none"\`: clients are not asked for certificates |
| \`auth.methods\` | must each have a section | only those with required options must |
| \`outgoing_pools.*.connection.tls.verify_mode\` | \`"selfsigned_peer"\` is possible | name the certificate in \`cacertfile\` |
| \`modules\` | none | a basic set, if there is no \`[modules]\` section at all |
| a regular expression that cannot be compiled | never matches | an error |`;

function environment(): string {
  const rows = ENVIRONMENT_VARIABLES.map(({ name, about }) => `| \`${name}\` | ${about} |`);
  return ['## Environment', ['| Variable | Meaning |', '|---|---|', ...rows].join('\n')].join('\n\n');
}

function sectionText(section: Section, entries: readonly CatalogueEntry[]): string {
  const deeper = SECTIONS.map(({ prefix }) => prefix).filter((prefix) =>
    prefix.startsWith(`${section.prefix}.`),
  );
  const own = entries.filter(
    ({ path }) => isBelow(path, section.prefix) && !deeper.some((prefix) => isBelow(path, prefix)),
  );
  return [`## ${section.heading}`, section.text, table(own, section.prefix)].join('\n\n');
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(`${prefix}.`);
}

function table(entries: readonly CatalogueEntry[], prefix: string): string {
  const rows = entries.map((entry) => {
    const name = prefix === '' ? entry.path : entry.path.slice(prefix.length + 1);
    const byDefault = entry.isRequired ? '**required**' : (entry.defaultText ?? '–');
    const columns = [`\`${name}\``, entry.type, entry.unit ?? '', byDefault, entry.reload, entry.about];
    return `| ${columns.map(cell).join(' | ')} |`;
  });
  return ['| Option | Type | Unit | Default | Counts | Meaning |', '|---|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function modules(schemas: ReadonlyMap<string, z.ZodType>): string {
  const names = DEFAULT_MODULES.map((name) => `\`${name}\``).join(', ');
  const parts = [
    '## [modules.NAME]',
    `One section for each module that runs. Without any \`[modules]\` section these do: ${names}. With one, only those that it names.`,
    'A section with a `path` is a module of your own: a file (`.ts` or `.js`, relative to the configuration), or the name of an ' +
      'installed package. All other keys are its options; the module checks them with the schema that it exports. Options are live: a ' +
      'module whose options changed is restarted.',
  ];
  for (const [name, schema] of schemas) {
    const entries = catalogue(schema).filter(({ path }) => path !== '');
    parts.push(`### [modules.${name}]`);
    if (!DEFAULT_MODULES.includes(name))
      parts.push('Not among those that run without a `[modules]` section.');
    parts.push(entries.length === 0 ? 'No options.' : table(entries, ''));
  }
  return parts.join('\n\n');
}

function hostConfig(entries: readonly CatalogueEntry[]): string {
  const own = entries.filter(({ path }) => /^host_config\[\]\.(?:host|host_type|general\..*)$/.test(path));
  return [
    '## [[host_config]]',
    'A host type of its own: one of `general.hosts`, or one of `general.host_types`. What it does not override it inherits.',
    '| Section | Effect |\n|---|---|\n' +
      '| `[host_config.general]` | only the options below |\n' +
      '| `[host_config.auth]`, `[host_config.modules]` | replaces the whole section: write the full list |\n' +
      '| `[host_config.outgoing_pools.…]` | added; one of the same kind and tag replaces that of the server |\n' +
      '| `[host_config.acl]` | its patterns are added to the list of the same name |\n' +
      '| `[host_config.access]` | its clauses come after those of the rule of the same name, but before a last clause ' +
      '`{acl = "all", value = "allow"}` |',
    table(own, 'host_config[]'),
  ].join('\n\n');
}

function builtInShapers(): string {
  return BUILT_IN_SHAPERS.map(
    ({ name, maxRate, burst }) => `\`${name}\` (${maxRate} bytes/s, burst ${burst} bytes)`,
  ).join(' and ');
}
