import type { Accumulator, ContactInfo, HookParams, Jid, ModuleContext, PrivacyList } from '../module.ts';
import { CompiledList, classOf } from './matching.ts';

const STRANGER: ContactInfo = Object.freeze({ subscription: 'none', groups: Object.freeze([]) });

/** What lists say to stanzas (`privacy_check_packet`). */
export class Evaluation {
  readonly #context: ModuleContext;
  /** As long as a list is remembered by somebody, so is its compiled form. */
  readonly #compiled = new WeakMap<PrivacyList, CompiledList>();

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  check(acc: Accumulator, check: HookParams<'privacy_check_packet'>): undefined | Promise<undefined> {
    const { jid, privacyList, from, to, name, type, dir } = check;
    if (privacyList.items.length === 0) return undefined;
    const peer = dir === 'in' ? from : to;
    if (isExempt(jid, peer)) return undefined;
    const list = this.#compile(privacyList);
    const kind = classOf(name, type, dir);
    const decide = (contact: ContactInfo | undefined): undefined => {
      const decision = list.decide(kind, peer, contact);
      if (decision !== 'allow') acc.set('hook', 'result', decision);
    };
    if (!list.needsRoster) return decide(undefined);
    const params = { to: jid.bareJid, remote: peer.bareJid };
    const contact = this.#context.foldHook('roster_get_jid_info', STRANGER, params);
    return contact instanceof Promise ? contact.then(decide) : decide(contact);
  }

  #compile(list: PrivacyList): CompiledList {
    let compiled = this.#compiled.get(list);
    if (compiled === undefined) {
      compiled = new CompiledList(list);
      this.#compiled.set(list, compiled);
    }
    return compiled;
  }
}

/** The user's own resources (XEP-0016 §2.1), and his server itself: a list may concern its users, but must not lock him out. */
function isExempt(owner: Jid, peer: Jid): boolean {
  return peer.bare === owner.bare || peer.full === owner.domain;
}
