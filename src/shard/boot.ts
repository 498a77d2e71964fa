import type { CertificateConfig, Config } from '../config/config.ts';
import type { HashSeed } from '../sm/jid-hash.ts';

/** Shared memory that every thread gets. */
export interface SharedHandles {
  readonly directory: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly bells: SharedArrayBuffer;
  readonly sequence: SharedArrayBuffer;
}

/** The two rings between this thread and another. */
export interface Peer {
  /** Number of the other thread: shards from 0 on, then the stores. */
  readonly thread: number;
  /** Rises each time they are made anew: by that one knows rings again. */
  readonly generation: number;
  readonly out: SharedArrayBuffer;
  readonly in: SharedArrayBuffer;
}

/** What a shard thread is started with. */
export interface ShardBoot {
  readonly shard: number;
  readonly shards: number;
  /** Number of the first store thread; the others, which have partitions of the archive, follow. */
  readonly storeThread: number;
  /** Among how many partitions conversations were distributed, earlier and (the last number) now. */
  readonly layouts: readonly number[];
  readonly shared: SharedHandles;
  readonly peers: readonly Peer[];
  /** Where threads listen for being woken. */
  readonly bellDirectory: string;
  readonly config: Config;
  readonly seed: HashSeed;
  /** Key for answers about accounts that do not exist; the same for all shards. */
  readonly secret: Uint8Array;
  /** Random, and the same for all shards until the server stops. */
  readonly runSecret: Uint8Array;
  /** One clock for all shards: microseconds since the epoch at the zero of the monotonic clock. */
  readonly clockOffsetUs: number;
  /** The certificate made at first start, for listeners that have none. */
  readonly selfSigned: CertificateConfig;
  readonly product: { readonly name: string; readonly version: string };
  /** When the server was started, in milliseconds since the epoch. */
  readonly startedMs: number;
}

/** What the store thread is started with. */
export interface StoreBoot {
  readonly thread: number;
  /** Which one it is: 0 has the database, the others partitions of the archive. */
  readonly partition: number;
  readonly shared: SharedHandles;
  readonly peers: readonly Peer[];
  readonly bellDirectory: string;
  readonly directory: string;
  readonly durability: 'full' | 'normal';
  readonly loglevel: string;
}

/** A fresh connection; the socket comes with the message. */
export interface ConnectionMessage {
  readonly kind: 'connection';
  readonly listener: number;
  readonly address: string;
  readonly port: number;
}

/** What the main thread tells a shard. */
export type ToShard =
  | ConnectionMessage
  /** A command for this shard; answered by `reply`. */
  | { readonly kind: 'request'; readonly id: number; readonly command: string; readonly args: unknown }
  /** The answer to an `ask`. */
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly value: unknown;
      readonly error: string | undefined;
    }
  | { readonly kind: 'peer_lost'; readonly thread: number }
  | { readonly kind: 'peer_ready'; readonly peer: Peer }
  | { readonly kind: 'drain' }
  /** End now: everything is flushed. */
  | { readonly kind: 'stop' };

/** What a shard tells the main thread. */
export type FromShard =
  | { readonly kind: 'ready' }
  | { readonly kind: 'connection_closed'; readonly listener: number; readonly address: string }
  | {
      readonly kind: 'reply';
      readonly id: number;
      readonly value: unknown;
      readonly error: string | undefined;
    }
  /** Something that the main thread does for shards: derive keys, take a turn in a rate limit. */
  | { readonly kind: 'ask'; readonly id: number; readonly what: string; readonly args: unknown }
  /** Steps of traced stanzas. */
  | { readonly kind: 'trace'; readonly lines: readonly unknown[] }
  /** A session whose JID does not fit into the directory's entry, or its end. */
  | { readonly kind: 'long_jid'; readonly handle: number; readonly jid: string | undefined }
  | { readonly kind: 'drained' };
