import type { Accumulator } from './accumulator.ts';

/**
 * What a handler may ask the session's state machine to do. Applied once, after the chain and the routing that it led to,
 * in the order of asking; direct writes come before queued stanzas.
 */
export type Action =
  /** Feed a stanza through the whole receive pipeline of this session. */
  | { readonly kind: 'route'; readonly acc: Accumulator }
  /** Feed a stanza to the last step, just before the socket; not if the session has ended by then. */
  | { readonly kind: 'flush'; readonly acc: Accumulator }
  /** Write serialised XML directly: neither buffered nor counted. */
  | { readonly kind: 'socket_send'; readonly xml: string }
  /** End the session; handlers of `user_stop_request` may prevent it. */
  | { readonly kind: 'stop'; readonly reason: string }
  /** End the session now. Nothing else that was asked for happens. `lastWords` are written before the closing tag (a stream error). */
  | { readonly kind: 'hard_stop'; readonly reason: string; readonly lastWords?: string };
