/**
 * Which of so many partitions has the conversation of two bare JIDs, whichever of them comes first. What is in the files relies on it: it must never change.
 *
 * FNV-1a over the UTF-16 code units of both, the lesser first, with a line end between them; then the last step of MurmurHash3, without which the remainder would depend
 * on a few bits.
 */
export function partitionOf(a: string, b: string, partitions: number): number {
  if (partitions === 1) return 0;
  const isInOrder = a < b;
  let hash = mixed(0x811c9dc5, isInOrder ? a : b);
  hash = Math.imul(hash ^ 0x0a, 0x01000193);
  hash = mixed(hash, isInOrder ? b : a);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions;
}

function mixed(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** The bare JID in a full one: the first slash begins the resource (RFC 7622 §3.1). */
export function bareOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? jid : jid.slice(0, slash);
}
