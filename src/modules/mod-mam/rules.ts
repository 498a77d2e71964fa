import { type Element, NS_CHAT_MARKERS, NS_DELAY, NS_HINTS, type Stanza } from '../module.ts';
import { isMamNamespace, NS_STANZA_IDS } from './namespaces.ts';
import { retractionIn } from './retraction-xml.ts';

/** Which messages an archive takes, and what it needs to know of them. */

/** Elements of whose presence something follows: a message without these words needs no tree. */
const DECIDING = ['result', 'delay', 'no-', 'retract', 'origin-id', 'stanza-id'] as const;

/** What is decided without regard to who talks with whom. */
export interface ArchivingRules {
  readonly hasMarkers: boolean;
}

/**
 * Whether a message of this type is one of a conversation: chats, normal ones and those of a type that nobody knows (RFC 6121 §5.2.2). Group chats are
 * a matter of their own.
 */
export function isConversation(type: string | undefined): boolean {
  return type === 'chat' || (type !== 'groupchat' && type !== 'headline' && type !== 'error');
}

/**
 * Whether a message certainly is to be archived and has neither an id of its sender's nor ids of others, seen by its bytes alone: it begins with a body, as those of chats do,
 * and has nothing that decides otherwise.
 */
export function isSimple(stanza: Stanza): boolean {
  if (!stanza.beginsWith('body')) return false;
  if (stanza.isPlain) return true;
  for (let i = 0; i < DECIDING.length; i++) if (stanza.mayContain(DECIDING[i]!)) return false;
  return true;
}

/** Whether a message is worth archiving: it has content, and nothing says that it must not be (XEP-0313 §6.1, XEP-0334). */
export function isArchivable(message: Element, rules: ArchivingRules): boolean {
  let hasContent = false;
  for (const { name, ns } of message.elements()) {
    if (name === 'body' && ns === message.ns) hasContent = true;
    else if (ns === NS_HINTS) {
      if (name === 'no-store' || name === 'no-permanent-store') return false;
      if (name === 'store') hasContent = true;
    } else if (name === 'delay' && ns === NS_DELAY) return false;
    else if (name === 'result' && isMamNamespace(ns)) return false;
    else if (rules.hasMarkers && ns === NS_CHAT_MARKERS && name !== 'markable') hasContent = true;
  }
  return hasContent || retractionIn(message) !== undefined;
}

/** What its sender calls a message (XEP-0359 §3.2). */
export function originIdOf(message: Element): string | undefined {
  return message.child('origin-id', NS_STANZA_IDS)?.attribute('id');
}
