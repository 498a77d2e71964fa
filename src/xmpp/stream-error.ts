import { escapeText } from '../xml/writer.ts';
import { NS_STREAM_ERROR } from './namespaces.ts';

/** Stream error conditions (RFC 6120 §4.9.3). */
export const STREAM_ERRORS = [
  'bad-format',
  'bad-namespace-prefix',
  'conflict',
  'connection-timeout',
  'host-gone',
  'host-unknown',
  'improper-addressing',
  'internal-server-error',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-authorized',
  'not-well-formed',
  'policy-violation',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'restricted-xml',
  'see-other-host',
  'system-shutdown',
  'undefined-condition',
  'unsupported-encoding',
  'unsupported-feature',
  'unsupported-stanza-type',
  'unsupported-version',
] as const;

export type StreamErrorCondition = (typeof STREAM_ERRORS)[number];

/**
 * A `<stream:error/>`, for a stream whose opening tag binds `stream`. After it the stream is closed (RFC 6120 §4.9.1.1). `own`: a condition of an
 * extension, serialised (§4.9.4).
 */
export function streamErrorXml(condition: StreamErrorCondition, text?: string, own = ''): string {
  const description =
    text === undefined ? '' : `<text xmlns='${NS_STREAM_ERROR}' xml:lang='en'>${escapeText(text)}</text>`;
  return `<stream:error><${condition} xmlns='${NS_STREAM_ERROR}'/>${description}${own}</stream:error>`;
}
