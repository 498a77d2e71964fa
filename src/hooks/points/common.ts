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
  isAuthenticated: 'Whether SASL has succeeded.',
  reason: 'Why the session ends, in the hooks that concern its end.',
  moduleState: 'Reads the calling module’s own state in this session.',
  setModuleState: 'Writes it.',
};
