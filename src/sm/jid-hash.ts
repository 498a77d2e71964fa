import type { Jid } from '../xmpp/jid.ts';

/**
 * The 64-bit hashes that the session directory is keyed by. The seed is drawn at start and shared by all threads, so that nobody
 * outside can prepare addresses that fall into one bucket (threat T53).
 */
export interface HashSeed {
  readonly low: number;
  readonly high: number;
}

/** Fills the hash fields of `jid` (and of its bare form) if they are not known yet. */
export function hashJid(jid: Jid, seed: HashSeed): void {
  if (jid.hashed) return;
  jid.bareLow = hash(jid.bare, seed.low);
  jid.bareHigh = hash(jid.bare, seed.high);
  jid.fullLow = jid.isBare ? jid.bareLow : hash(jid.full, seed.low);
  jid.fullHigh = jid.isBare ? jid.bareHigh : hash(jid.full, seed.high);
  jid.hashed = true;
}

/** A 32-bit hash of a string: multiply and mix each code unit, then spread the bits. */
function hash(text: string, seed: number): number {
  let h = seed | 0;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x9e3779b1);
    h ^= h >>> 15;
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
