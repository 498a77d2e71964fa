import { z } from 'zod';
import {
  type Accumulator,
  defineModule,
  hasIdBy,
  type Jid,
  NS_STANZA_IDS,
  StanzaKind,
  stableId,
  stanzaIdXml,
  withoutIdsBy,
} from '../module.ts';

/**
 * Unique and stable stanza ids (XEP-0359): each message gets one id, which is the same for all who receive it and for the archives, and ids that somebody
 * else gave in the server's name are taken out.
 */
export default defineModule({
  name: 'mod_stanzaid',
  xeps: [{ number: 359, version: '0.7.0' }],
  features: [NS_STANZA_IDS],
  options: z.strictObject({}),
  setup(context) {
    context.permanentKey('stable_stanza_id', 'value', { encode: (id) => id, decode: (data) => data });
    context.hook('disco_sm_features', 99, (acc, { presenceSubscribed }) => {
      if (acc.node !== '' || !presenceSubscribed) return undefined;
      return { ...acc, result: [...(acc.result ?? []), NS_STANZA_IDS] };
    });
    context.hook('user_send_message', 1, (acc, session) => {
      const { jid } = session;
      strip(acc, [jid!, context.trustedJid(jid!.domain)]);
      acc.setPermanent('stable_stanza_id', 'value', stableId(acc.timestamp, context.shard));
    });
    context.hook('filter_local_packet', 50, (acc) => {
      if (acc.stanza!.kind !== StanzaKind.MESSAGE || acc.to.local === '') return;
      strip(acc, [acc.to, context.trustedJid(acc.to.domain)]);
      // From a component, another server, or a module; or made because of another message, whose id it must not have.
      if (acc.hops === 0 && idOf(acc) !== undefined) return;
      acc.setPermanent('stable_stanza_id', 'value', stableId(context.timestamp(), context.shard));
    });
    context.hook('user_receive_message', 100, (acc, session) => {
      const own = session.jid!;
      const id = idOf(acc);
      // A copy (XEP-0280) is no message of its own.
      if (id === undefined || (acc.from.isBare && acc.from.bare === own.bare)) return;
      if (!hasIdBy(acc.stanza!, own)) acc.updateStanza(acc.stanza!.append(stanzaIdXml(own, id)));
    });
    context.hook('filter_room_packet', 100, (stanza, { roomJid, stableStanzaId }) => {
      // The archive of the room may have given it one.
      if (stableStanzaId !== undefined && hasIdBy(stanza, roomJid)) return undefined;
      const clean = withoutIdsBy(stanza, [roomJid]) ?? stanza;
      const id = stableStanzaId ?? stableId(context.timestamp(), context.shard);
      return clean.append(stanzaIdXml(roomJid, id));
    });
  },
});

function idOf(acc: Accumulator): string | undefined {
  return acc.get('stable_stanza_id', 'value');
}

function strip(acc: Accumulator, owners: readonly Jid[]): void {
  const clean = withoutIdsBy(acc.stanza!, owners);
  if (clean !== undefined) acc.updateStanza(clean);
}
