import type { C2sParams } from '../session.ts';

/** The explanation of the parameters that all hooks of a session share. */
export const C2S_PARAMS: { readonly [K in keyof C2sParams]-?: string } = {
  hostType: 'The host type of the session’s domain; undefined before the stream is open.',
  lserver: 'The session’s domain.',
  state: 'State of the stream.',
  jid: 'The bound full JID; undefined before resource binding.',
  sid: 'Identity of the session; undefined before it is opened.',
  lang: 'The language of the stream (`xml:lang`).',
  info: 'Address, port and listener of the connection.',
  isEncrypted: 'Whether the connection uses TLS.',
  awaitsTls:
    'Whether the listener has TLS and the connection does not use it yet: secrets should wait for it.',
  isAuthenticated: 'Whether SASL has succeeded.',
  flags: 'Flags of the session that all shards see.',
  reason: 'Why the session ends, in the hooks that concern its end.',
  moduleState: 'Reads the calling module’s own state in this session.',
  setModuleState: 'Writes it.',
};

/** The explanation of a parameter that is a session’s {@link C2sParams}, in hooks that have more parameters. */
export const SESSION_PARAM = 'The session, with all that the hooks of a session get as their parameters.';

/** The accumulator of a hook that only announces. */
export const NOTHING = 'None (`undefined`): the hook announces something, and handlers return nothing.';

/** The accumulator of a hook that concerns a user, not a stanza. */
export const NO_STANZA = 'A new accumulator without a stanza.';

/** The result of a hook whose caller only wanted the handlers to know. */
export const IGNORED = 'Nobody looks at it. STOP only skips the handlers that come later.';

/** The same for a hook over values. */
export const IGNORED_VALUE = 'Nobody looks at it. A stop only skips the handlers that come later.';

/** The result of a hook over an accumulator that its caller goes on with. */
export const PASSED_ON =
  'The caller goes on with the accumulator. STOP only skips the handlers that come later.';
