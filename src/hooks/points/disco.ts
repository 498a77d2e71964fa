import { type NoParams, point } from '../point.ts';
import type { DiscoAcc, DiscoInfoAcc, DiscoItem, Identity } from '../values.ts';

const REQUEST =
  'The request: host type, `from`, `to`, `node` and language, with `result` still undefined. Handlers return a copy with their own entries added to `result`; a node that is not theirs they leave alone.';

const FEATURES = 'The namespaces in `result`, sorted and each of them once.';

const BARE_JID = 'a disco#info request to the bare JID of a user';

const UNKNOWN =
  'If nothing comes together in the whole answer: item-not-found for a named node and a subscribed reader, otherwise service-unavailable.';

const SUBSCRIBED = {
  presenceSubscribed: 'Whether the reader is the user, or may see the user’s presence.',
};

interface Subscribed {
  presenceSubscribed: boolean;
}

/** Hooks that collect the answers of service discovery. */
export const discoPoints = {
  disco_local_identity: point<DiscoAcc<Identity>, NoParams>({
    scope: 'host_type',
    part: 'core',
    when: 'Service discovery, for a disco#info request to a domain of the server; also to compute the hash of its own features.',
    acc: REQUEST,
    params: {},
    result: 'The identities in `result`.',
  }),
  disco_local_features: point<DiscoAcc<string>, NoParams>({
    scope: 'host_type',
    part: 'core',
    when: 'Service discovery, for a disco#info request to a domain of the server; also to compute the hash of its own features.',
    acc: REQUEST,
    params: {},
    result: `${FEATURES} Still undefined: the error item-not-found.`,
  }),
  disco_local_items: point<DiscoAcc<DiscoItem>, NoParams>({
    scope: 'host_type',
    part: 'core',
    when: 'Service discovery, for a disco#items request to a domain of the server.',
    acc: REQUEST,
    params: {},
    result:
      'The items in `result`; of several with the same JID, the one added first. Still undefined: the error item-not-found.',
  }),
  disco_sm_identity: point<DiscoAcc<Identity>, Subscribed>({
    scope: 'host_type',
    part: 'core',
    when: `Service discovery, for ${BARE_JID}.`,
    acc: REQUEST,
    params: SUBSCRIBED,
    result: 'The identities in `result`.',
  }),
  disco_sm_features: point<DiscoAcc<string>, Subscribed>({
    scope: 'host_type',
    part: 'core',
    when: `Service discovery, for ${BARE_JID}.`,
    acc: REQUEST,
    params: SUBSCRIBED,
    result: `${FEATURES} ${UNKNOWN}`,
  }),
  disco_sm_items: point<DiscoAcc<DiscoItem>, Subscribed>({
    scope: 'host_type',
    part: 'core',
    when: 'Service discovery, for a disco#items request to the bare JID of a user.',
    acc: REQUEST,
    params: SUBSCRIBED,
    result:
      'The items in `result`. Without any: an empty answer when no node was named, item-not-found to a subscribed reader, service-unavailable to others.',
  }),
  disco_info: point<DiscoInfoAcc, NoParams>({
    scope: 'host_type',
    part: 'core',
    when: 'A module that answers disco#info for its service, to collect the forms with further information (XEP-0128, XEP-0157).',
    acc: 'The host type, the module that asks, node and language, with `result` still undefined. Handlers return a copy with their forms added to `result`.',
    params: {},
    result: 'The forms in `result` become data forms of the answer.',
  }),
  disco_muc_features: point<DiscoAcc<string>, NoParams>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC and MUC Light, for a disco#info request to the service or to a room.',
    acc: REQUEST,
    params: {},
    result: 'The namespaces in `result` are added to those of the service itself.',
  }),
} as const;
