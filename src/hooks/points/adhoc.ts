import type { Jid } from '../../xmpp/jid.ts';
import { point } from '../point.ts';
import type { AdhocAnswer, AdhocRequest } from '../values.ts';

interface Command {
  from: Jid;
  to: Jid;
  request: AdhocRequest;
}

const COMMAND = {
  from: 'Who sent the command.',
  to: 'Whom it is addressed to.',
  request: 'The command: node, action, session and form.',
};

const ANSWER =
  'An element is the answer; a StanzaError goes back as an error; `ignore` sends nothing; undefined, nobody knows the command, gives the error item-not-found. A handler that knows the command returns a stop.';

/** Hooks of ad-hoc commands (XEP-0050). */
export const adhocPoints = {
  adhoc_local_commands: point<AdhocAnswer, Command>({
    scope: 'host_type',
    part: 'core',
    when: 'The command module, for a command to a domain of the server whose form could be read.',
    acc: '`undefined`.',
    params: COMMAND,
    result: ANSWER,
  }),
  adhoc_sm_commands: point<AdhocAnswer, Command>({
    scope: 'host_type',
    part: 'core',
    when: 'The same for a command to the bare JID of a user.',
    acc: '`undefined`.',
    params: COMMAND,
    result: ANSWER,
  }),
} as const;
