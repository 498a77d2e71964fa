import type { Jid } from '../../xmpp/jid.ts';
import type { Accumulator } from '../accumulator.ts';
import { point } from '../point.ts';
import type { SessionId } from '../session.ts';
import {
  type CleanupReport,
  type DomainRemoval,
  type Nothing,
  REMOVAL_FAILED,
  type SessionRecord,
} from '../values.ts';
import { IGNORED, IGNORED_VALUE, NO_STANZA, NOTHING } from './common.ts';

const REPORT =
  'An empty report. A handler may return it with an entry of its own added: its module, and what it did.';

/** Hooks that clean up: after a node or a shard that died, and for a domain that is deleted. */
export const nodePoints = {
  node_cleanup: point<CleanupReport, { node: string }>({
    scope: 'global',
    part: 'core',
    when: 'The supervisor, once for every node that went down; a shard of this process is such a node. The session manager deletes its sessions here, at priority 50.',
    acc: REPORT,
    params: { node: 'The name of the node or shard.' },
    result:
      'The report is logged. The hook may run more than once for the same node, so handlers must bear a repetition.',
  }),
  node_cleanup_for_host_type: point<CleanupReport, { node: string }>({
    scope: 'host_type',
    part: 'core',
    when: 'The supervisor, directly after node_cleanup, once for every host type.',
    acc: REPORT,
    params: { node: 'The name of the node or shard.' },
    result:
      'The report is logged. The hook may run more than once for the same node, so handlers must bear a repetition.',
  }),
  sessions_cleanup: point<Nothing, { sessions: readonly SessionRecord[] }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, once for every host type while it cleans up after a node, before session_cleanup is run for the single sessions. For handlers that write many rows at once.',
    acc: NOTHING,
    params: { sessions: 'All sessions of the host type that the node held.' },
    result: IGNORED_VALUE,
  }),
  session_cleanup: point<Accumulator, { jid: Jid; sid: SessionId }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, for every session that it deletes because its node died. Such a session has run no hook at its end.',
    acc: NO_STANZA,
    params: { jid: 'The full JID of the session.', sid: 'Its identity.' },
    result: IGNORED,
  }),
  remove_domain: point<DomainRemoval, { domain: string }>({
    scope: 'host_type',
    part: 'core',
    when: 'The administration, before a domain that was added at run time is deleted, and for `meerkat domain remove-data`. Accounts go at priority 10, and with them all sessions; modules delete theirs after that; what they keep as values goes at 95.',
    acc: 'A record whose list `failed` is empty.',
    params: { domain: 'The domain.' },
    result:
      'With a module in `failed` the deletion ends with an error and may be tried again. A handler that could not delete its data returns a stop with its module added to `failed`; one that throws, or misses its deadline, ends the deletion likewise. What may take longer is begun only, and added to `rest`, for which the caller waits.',
    failure: 'closed',
    refusal: REMOVAL_FAILED,
  }),
} as const;
