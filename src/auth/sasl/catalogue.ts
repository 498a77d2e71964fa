import { HASH_FACTS, SCRAM_HASHES, type ScramHash } from '../scram.ts';

/** A SASL mechanism that this server has. */
export interface Mechanism {
  /** As registered with IANA, and on the wire. */
  readonly name: string;
  /** In `auth.sasl_mechanisms`. */
  readonly option: string;
  readonly kind: 'plain' | 'scram' | 'anonymous' | 'external';
  /** For SCRAM. */
  readonly hash: ScramHash | undefined;
  /** Whether it binds to the channel. */
  readonly isPlus: boolean;
}

/** What an authentication method may be able to serve. */
export type MechanismKind = Mechanism['kind'];

function scram(hash: ScramHash): Mechanism[] {
  const option = `scram_${hash === 'sha' ? 'sha1' : hash}`;
  const { mechanism } = HASH_FACTS[hash];
  return [
    { name: `${mechanism}-PLUS`, option: `${option}_plus`, kind: 'scram', hash, isPlus: true },
    { name: mechanism, option, kind: 'scram', hash, isPlus: false },
  ];
}

/** All of them, the strongest first. Which are offered, and in which order, `auth.sasl_mechanisms` says. */
export const MECHANISMS: readonly Mechanism[] = [
  { name: 'EXTERNAL', option: 'external', kind: 'external', hash: undefined, isPlus: false },
  ...SCRAM_HASHES.toReversed().flatMap(scram),
  { name: 'PLAIN', option: 'plain', kind: 'plain', hash: undefined, isPlus: false },
  { name: 'ANONYMOUS', option: 'anonymous', kind: 'anonymous', hash: undefined, isPlus: false },
];

/** By the name on the wire. */
export const MECHANISM_BY_NAME: ReadonlyMap<string, Mechanism> = new Map(
  MECHANISMS.map((mechanism) => [mechanism.name, mechanism]),
);
