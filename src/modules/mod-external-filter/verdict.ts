/** What is asked of the service, in GraphQL. */
export const VERIFY_MESSAGE = `mutation verifyMessage($body: String!, $rawData: String!, $externalId: String!, $recipient: String!, $sender: String!) {
  verifyMessage(body: $body, rawData: $rawData, externalId: $externalId, recipient: $recipient, sender: $sender) { action }
}`;

export type FilterVerdict = 'allow' | 'block' | 'error' | 'invalid';

/**
 * What the service said: `error` for errors of GraphQL (§7.1 of its specification), `invalid` for anything that is no answer to what was asked. Only an explicit BLOCK
 * blocks.
 */
export function verdictOf(text: string): FilterVerdict {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return 'invalid';
  }
  if (field(answer, 'errors') !== undefined) return 'error';
  switch (field(field(field(answer, 'data'), 'verifyMessage'), 'action')) {
    case 'ALLOW':
      return 'allow';
    case 'BLOCK':
      return 'block';
    default:
      return 'invalid';
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name] ?? undefined;
}

/** A stable id, which has the base 32 elsewhere, as a decimal number; empty when there is none. */
export function decimalId(id: string | undefined): string {
  if (id === undefined) return '';
  let value = 0n;
  for (const digit of id) value = value * 32n + BigInt(Number.parseInt(digit, 32));
  return value.toString();
}
