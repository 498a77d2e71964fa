import type { Accumulator } from '../hooks/accumulator.ts';

/** A stanza in one line, for operators: `message type=chat id=m1 romeo@localhost/orchard → juliet@localhost`. Never its content. */
export function describeStanza({ stanza, from, to }: Accumulator): string {
  if (stanza === undefined) return `event of ${to.full}`;
  const { name, type, id } = stanza;
  const attributes = [type === undefined ? '' : ` type=${type}`, id === undefined ? '' : ` id=${id}`];
  return `${name}${attributes.join('')} ${from.full} → ${to.full}`;
}
