/** What may stand for something else in the filters of `[auth.ldap]`. */
export interface FilterValues {
  /** `%u`: the username. Undefined: any, for listings. */
  readonly username: string | undefined;
  /** `%d`: the domain. */
  readonly domain: string;
  /** `%D`: the distinguished name that was found. */
  readonly dn?: string;
  /** One for each `%s`, in order. */
  readonly others?: readonly string[];
}

/** `auth.ldap.uids`: an attribute, and what it holds for a user: `%u` is the username. */
export interface LdapUid {
  readonly attribute: string;
  readonly format: string;
}

/** Fills in a filter (RFC 4515). Every value is escaped: none of them can become a part of the filter (T64). */
export function fillFilter(template: string, values: FilterValues): string {
  let others = 0;
  return template.replace(/%[udsD]/g, (name) => {
    switch (name) {
      case '%u':
        return values.username === undefined ? '*' : escapeFilterValue(values.username);
      case '%d':
        return escapeFilterValue(values.domain);
      case '%D':
        return escapeFilterValue(values.dn ?? '');
      default:
        return escapeFilterValue(values.others?.[others++] ?? '');
    }
  });
}

/** The filter that finds a user (or all, see {@link FilterValues}): one of the attributes fits, and so does the operator's filter. */
export function userFilter(
  uids: readonly LdapUid[],
  filter: string | undefined,
  values: FilterValues,
): string {
  const parts = uids.map(({ attribute, format }) => `(${attribute}=${fillFilter(format, values)})`);
  const user = parts.length === 1 ? parts[0]! : `(|${parts.join('')})`;
  return filter === undefined ? user : `(&${user}${fillFilter(filter, values)})`;
}

/** The username that a value of the attribute stands for, unprepared: {@link LdapUid} the other way round. */
export function usernameIn({ format }: LdapUid, value: string, domain: string): string | undefined {
  const [before, after, ...more] = format.replaceAll('%d', domain).split('%u');
  if (before === undefined || after === undefined || more.length > 0) return undefined;
  const isFitting =
    value.length > before.length + after.length && value.startsWith(before) && value.endsWith(after);
  return isFitting ? value.slice(before.length, value.length - after.length) : undefined;
}

/** RFC 4515 §3: what has a meaning in a filter is written as its code. */
export function escapeFilterValue(text: string): string {
  return text.replace(
    /[\\*()\0]/g,
    (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
