import {
  Element,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type MarkerScope,
  type ModuleContext,
  NS_SMART_MARKERS,
  parseStamp,
  StanzaError,
  utcMicros,
} from '../module.ts';
import { markerName } from './markers.ts';
import type { SmartMarkersOptions } from './options.ts';

/** Markers in one answer; of more, the last ones. */
const SHOWN_MAX = 5_000;

/** Tells a client which markers were sent last in a conversation, after what `caughtUp` waits for. */
export async function answerQuery(
  context: ModuleContext<SmartMarkersOptions>,
  request: IqRequest,
  caughtUp: () => Promise<void>,
): Promise<IqAnswer> {
  const { from, to, type, payload } = request;
  if (from.bare !== to.bare) return new StanzaError('forbidden');
  if (type === 'set') return new StanzaError('not-allowed');
  const text = payload.attribute('peer');
  const peer = text === undefined ? undefined : context.jid(text);
  if (payload.name !== 'query' || peer === undefined || !peer.isBare) {
    return new StanzaError('bad-request', 'invalid-peer');
  }
  const stamp = payload.attribute('after');
  const after = stamp === undefined ? 0 : parseStamp(stamp);
  if (after === undefined) return new StanzaError('bad-request', 'invalid-timestamp');
  const thread = payload.attribute('thread') ?? '';
  const scope = await scopeOf(context, request, peer);
  await caughtUp();
  const markers = await context.store.request(
    'smart_markers_get',
    [to.domain, to.local],
    [peer.domain, peer.local],
    scope,
    thread,
    after,
    SHOWN_MAX,
  );
  const shownThread = thread === '' ? undefined : thread;
  const children = markers.map(({ from: sender, code, msgId, timestamp }) =>
    Element.of('marker', NS_SMART_MARKERS, {
      from: sender,
      id: msgId,
      type: markerName(code),
      timestamp: utcMicros(timestamp),
      thread: shownThread,
    }),
  );
  return Element.of('query', NS_SMART_MARKERS, { peer: peer.bare }, ...children);
}

/** Whose markers the user may see: with another user those of both, in a room those of everybody, if he may enter it. */
async function scopeOf(
  context: ModuleContext<SmartMarkersOptions>,
  { acc, to }: IqRequest,
  peer: Jid,
): Promise<MarkerScope> {
  if (context.options.keep_private) return 'own';
  const host = context.hostOf(peer.domain);
  if (host === undefined || host === peer.domain) return 'both';
  const mayEnter = await context.foldHook('can_access_room', false, { acc, room: peer, user: to });
  return mayEnter ? 'all' : 'own';
}
