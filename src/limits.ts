/**
 * Every fixed limit of the server, with its reason. What an operator may change is in the configuration instead; those options have
 * their bounds there. Bytes are bytes of UTF-8, times are milliseconds unless the name says otherwise.
 */
import type { ScanLimits } from './xml/stream-context.ts';

/** One read of a socket; one such buffer per shard. */
export const READ_BUFFER_BYTES = 65_536;

/** Before login a stranger may make us hold this much (threats T02: structure amplification). */
export const SCAN_LIMITS_BEFORE_LOGIN: ScanLimits = Object.freeze({
  stanzaBytesMax: 8_192,
  elementsMax: 32,
  depthMax: 16,
  attributesMax: 64,
  nameBytesMax: 1_024,
  namespacesMax: 64,
});

/** After login; `stanzaBytesMax` comes from the listener's `max_stanza_size`. */
export const SCAN_LIMITS: Omit<ScanLimits, 'stanzaBytesMax'> = Object.freeze({
  elementsMax: 10_000,
  depthMax: 64,
  attributesMax: 64,
  nameBytesMax: 1_024,
  namespacesMax: 64,
});

/** The largest `max_stanza_size` that a listener may have. */
export const STANZA_BYTES_HARD_MAX = 10_485_760;

/** All bytes that one connection may send before it is logged in. */
export const UNAUTHENTICATED_BYTES_MAX = 65_536;

/** From accepting a connection to the end of the TLS handshake, and to the end of login (T12, T13). */
export const TLS_HANDSHAKE_MS_MAX = 10_000;
export const LOGIN_MS_MAX = 30_000;

/** For what a person has to do after the password (XEP-0388 §2.6.3): look a code up, find another device. Once on a stream. */
export const TASKS_MS_MAX = 300_000;

/** Failed logins on one stream; the one after that closes it (T12: closed after three failures). */
export const SASL_FAILURES_MAX = 3;
/**
 * Attempts that ended over the channel binding, before any password was looked at. There are clients that try every `-PLUS` mechanism with a
 * binding that is not offered, then every one without `-PLUS`, before they come to one that works.
 */
export const SASL_REFUSALS_MAX = 12;
/** Attempts to bind a resource. */
export const BIND_RETRIES_MAX = 5;

/** Stanzas handled from one read before other connections get their turn (T10). */
export const STANZAS_PER_TURN_MAX = 100;

/**
 * Output that may wait for one client (T60). More may for so long, up to a limit for each and one for what all of a shard have above the first; then the
 * connection is dropped. After its shard has stood still, a client may get all that the rings to it and their overflow hold.
 */
export const OUTGOING_BYTES_MAX = 1_048_576;
export const OUTGOING_MS_MAX = 1_000;
export const OUTGOING_BYTES_HARD_MAX = 16_777_216;
export const OUTGOING_EXCESS_BYTES_MAX = 33_554_432;

/** After a stream error or the closing tag, how long the peer may take to close the connection. */
export const CLOSE_LINGER_MS = 1_000;

/** Stanzas, and their bytes, that may wait for a session whose receiving is suspended. */
export const INBOX_STANZAS_MAX = 1_000;
export const INBOX_BYTES_MAX = 4_194_304;

/**
 * Longest that live stanzas wait for offline messages that come before them in order: as long as a store with a busy disk may take, not as long as one that hangs
 * (threat T56). A second was too short on a machine that had ten times more to do than it could.
 */
export const OFFLINE_HOLD_MS_MAX = 5_000;

/** Stanzas of a shard that wait to be routed again. More are answered with an error. */
export const REROUTES_MAX = 20_000;

/** How often one stanza, or one because of it, may be routed again; more is a loop. */
export const HOPS_MAX = 16;
/** How often one stanza may go from a session that was replaced, or taken over, to the next one. More are answered with an error. */
export const VISITS_MAX = 255;

/** Addresses that a session from another shard has sent to since, so that nobody must be asked about them again. */
export const MOVED_ADDRESSES_MAX = 256;

/** Between two shards, and between a shard and the store. */
export const RING_BYTES = 262_144;
/** Frames that wait for room in a full ring, for each direction. More are treated like stanzas to a session that is gone. */
export const OVERFLOW_BYTES_MAX = 8_388_608;
/** The same for answers of the store: some are long, and nobody who asks waits for another. */
export const STORE_OVERFLOW_BYTES_MAX = 67_108_864;
/** A frame in parts: what a receiver puts together at most. */
export const FRAME_BYTES_MAX = STANZA_BYTES_HARD_MAX + 65_536;
/** One frame for many accounts: sessions (and their counts), and characters of addresses. More go in a second frame. */
export const FRAME_TARGETS_MAX = 4_096;
export const FRAME_TEXT_MAX = 60_000;
/** Frames taken from rings before sockets get their turn. */
export const FRAMES_PER_TURN_MAX = 256;

/** Prepared addresses that a shard remembers. */
export const JID_CACHE_MAX = 65_536;
/** Accounts whose existence a shard remembers. */
export const EXISTENCE_CACHE_MAX = 65_536;
/** The removal of an account waits so long for what its clients had sent before. */
export const REMOVAL_WAIT_MS_MAX = 10_000;

/** Requests from the server to clients that wait for an answer, and for how long (T67). */
export const PENDING_IQS_MAX = 10_000;
export const IQ_TIMEOUT_MS = 32_000;

/** Requests from one shard to the store that wait for an answer. Beyond that the store counts as overloaded. */
export const STORE_PENDING_MAX = 20_000;
/** From this many on the store counts as busy: who asks for more and can wait, should. */
export const STORE_PENDING_BUSY = 2_000;
/** After this a request to the store counts as failed. */
export const STORE_TIMEOUT_MS = 30_000;

/**
 * Writes that a shard keeps while the store is gone, slow, or its disk is full, and their bytes: messages for who is away, messages for archives, changes of inboxes … Whoever
 * brings more is told so.
 */
export const KEPT_MAX = 100_000;
export const KEPT_BYTES_MAX = 67_108_864;
/** From this many on those who bring more wait, until there are half as many: what waits long is dear to the garbage collector. */
export const KEPT_BUSY = 4_000;
export const KEPT_BYTES_BUSY = 16_777_216;
/** Of these in one request: more only make the next one wait. */
export const KEPT_PER_BATCH_MAX = 512;
export const KEPT_PER_BATCH_BYTES_MAX = 262_144;
/** Such requests under way at a time: what comes then had better gather. More, if something else must come behind them; the store remembers so many of a shard. */
export const KEPT_BATCHES_MAX = 32;
export const KEPT_BATCHES_REMEMBERED = 1_024;
/** Work of the store that may wait begins so long after there is some, and goes on in steps with such a pause before each. */
export const STORE_WORK_DELAY_MS = 1_000;
export const STORE_WORK_PAUSE_MS = 20;
/** Not while there are more requests than so many a second. */
export const STORE_BUSY_REQUESTS = 500;

/** A query of an archive that looks at messages one by one (words, a resource) may take so long (T64). */
export const ARCHIVE_QUERY_MS_MAX = 500;
/**
 * Archived messages that wait for being put into indexes (`archive-indexing.ts`), and how long they do while more come. Beyond that, it is done: by the number when there is
 * much to do, by the time when there is less, so that nobody waits for 2,000 at once who need not.
 */
export const ARCHIVE_INDEX_QUEUE_MAX = 2_048;
export const ARCHIVE_INDEX_MS_MAX = 250;
/** Archived messages whose words wait to be indexed until the store has time. Beyond that, archiving indexes as it goes. */
export const SEARCH_QUEUE_MAX = 500_000;
/** Different words of one message that can be searched for, and of one search. */
export const SEARCH_WORDS_MAX = 1_000;
export const SEARCH_TERMS_MAX = 32;
/** How far back in a conversation a message is looked for that its sender wants retracted. */
export const RETRACTION_SEARCH_MAX = 100_000;

/**
 * A client that wants its session back waits so long for what it has sent to be stored: nobody can say before how much of it was handled. If the store takes longer, it is
 * told that there is no such session, and may open another one.
 */
export const COMMIT_WAIT_MS_MAX = 5_000;

/** A shard that has not answered for this long is replaced. */
export const HEARTBEAT_MS = 500;
export const HEARTBEAT_LOST_MS = 5_000;

/** Warnings and errors of one kind that a shard or the store writes into the log in such a time; the rest is counted. */
export const LOG_LINES_MAX = 20;
export const LOG_WINDOW_MS = 60_000;
