import {
  type Accumulator,
  type AmpEvent,
  type AmpRule,
  Element,
  type ModuleContext,
  NS_AMP,
  STOP,
  Stanza,
  type Verdict,
  wantAddressed,
} from '../module.ts';
import type { AmpOptions } from './mod-amp.ts';
import { type Problem, refusal, reportOf } from './replies.ts';
import { parseRules, ruleElement } from './rules.ts';

/** What travels with a message: the rules that are not decided yet, and whose they are. */
export interface Carried {
  /** The sender, a full JID: what is made because of the message has another one, and no rules. */
  readonly from: string;
  readonly rules: readonly AmpRule[];
}

/** Follows the rules of messages, stage by stage. */
export class Processing {
  readonly #context: ModuleContext<AmpOptions>;

  constructor(context: ModuleContext<AmpOptions>) {
    this.#context = context;
  }

  /** A client sends a message (`user_send_message`). */
  initial(acc: Accumulator): Verdict | Promise<Verdict> {
    const stanza = acc.stanza!;
    if (stanza.type === 'error' || stanza.isPlain || !stanza.mayContain('amp')) return undefined;
    const amp = stanza.element.child('amp', NS_AMP);
    // One with a status is an answer.
    if (amp === undefined || amp.attribute('status') !== undefined) return undefined;
    acc.retain();
    return this.#initial(acc, amp);
  }

  async #initial(acc: Accumulator, amp: Element): Promise<Verdict> {
    const { rules, invalid } = parseRules(amp);
    if (invalid.length > 0 || rules.length === 0) return this.#refuse(acc, 'invalid-rules', invalid);
    const support = await this.#context.foldHook('amp_verify_support', [], { rules });
    const unsupported = support.filter((one) => !one.isSupported);
    if (unsupported.length > 0) {
      const { error } = unsupported[0]!;
      const same = unsupported.filter((one) => one.error === error);
      return this.#refuse(
        acc,
        error,
        same.map(({ rule }) => ruleElement(rule)),
      );
    }
    // XEP-0079 §9: what is told gives away whether the recipient is there.
    const telling = rules.filter(({ action }) => action !== 'drop');
    if (telling.length > 0 && !(await this.#maySee(acc))) {
      return this.#refuse(acc, 'invalid-rules', telling.map(ruleElement));
    }
    acc.updateStanza(withoutAmp(acc.stanza!, amp));
    return await this.#check(acc, rules, 'initial_check');
  }

  async #maySee({ from, to }: Accumulator): Promise<boolean> {
    if (!this.#context.options.check_presence || !this.#context.hosts.includes(to.domain)) return true;
    return await this.#context.isSubscribed(from.bareJid, to.bareJid);
  }

  /** A later stage. STOP: a rule forbids the message to go on, and its sender has been told what he wants to be told. */
  later(acc: Accumulator, event: AmpEvent): Verdict | Promise<Verdict> {
    const rules = this.rulesOf(acc);
    return rules === undefined ? undefined : this.#check(acc, rules, event);
  }

  /** Nobody has stored it (`offline_message`). Whoever stops there says what has become of the message. */
  notStored(acc: Accumulator): Verdict | Promise<Verdict> {
    const verdict = this.later(acc, 'offline_failed');
    return verdict instanceof Promise ? verdict.then((v) => this.#noted(acc, v)) : this.#noted(acc, verdict);
  }

  #noted(acc: Accumulator, verdict: Verdict): Verdict {
    if (verdict === STOP) this.#context.outcome(acc, 'dropped');
    return verdict;
  }

  /** The rules that a message still has. */
  rulesOf(acc: Accumulator): readonly AmpRule[] | undefined {
    const carried = acc.get<Carried>('amp', 'rules');
    return carried?.from === acc.from.full ? carried.rules : undefined;
  }

  /** Sees to the rules about expiry alone, for a message that was stored: it must not be delivered any more once it is void. */
  expired(acc: Accumulator): Verdict {
    const now = this.#context.timestamp();
    const rule = this.rulesOf(acc)?.find(({ condition, value }) => {
      return condition === 'expire-at' && Date.parse(value) * 1_000 <= now;
    });
    if (rule === undefined) return undefined;
    acc.delete('amp', 'rules');
    return this.#act(acc, rule);
  }

  async #check(acc: Accumulator, rules: readonly AmpRule[], event: AmpEvent): Promise<Verdict> {
    const { from, to, stanza } = acc;
    const none = { deliver: undefined, matchResource: undefined, expireAt: undefined };
    const strategy = await this.#context.foldHook('amp_determine_strategy', none, {
      from,
      to,
      packet: stanza!,
      event,
    });
    const undecided: AmpRule[] = [];
    for (const rule of rules) {
      const match = await this.#context.foldHook('amp_check_condition', 'no_match', { strategy, rule });
      if (match === 'match' || (match === 'undecided' && isDecidedBy(event, rule))) {
        acc.delete('amp', 'rules');
        return this.#act(acc, rule);
      }
      if (match === 'undecided') undecided.push(rule);
    }
    if (undecided.length === 0) acc.delete('amp', 'rules');
    else {
      acc.setPermanent('amp', 'rules', { from: from.full, rules: undecided } satisfies Carried);
      // Of several sessions one will tell.
      wantAddressed(acc);
    }
    return undefined;
  }

  #act(acc: Accumulator, rule: AmpRule): Verdict {
    this.#context.count(rule.action);
    const report = reportOf({ id: acc.stanza!.id, from: acc.from, to: acc.to }, rule);
    if (report !== undefined) this.#tell(acc, report);
    return rule.action === 'notify' ? undefined : STOP;
  }

  #refuse(acc: Accumulator, problem: Problem, rules: readonly Element[]): typeof STOP {
    this.#context.count('refused');
    this.#tell(acc, refusal({ id: acc.stanza!.id, from: acc.from, to: acc.to }, problem, rules));
    return STOP;
  }

  #tell({ from }: Accumulator, message: Element): void {
    const server = this.#context.trustedJid(this.#serverFor(from.domain));
    void this.#context.route(this.#context.accumulator(server, from, message));
  }

  #serverFor(domain: string): string {
    return this.#context.hosts.includes(domain) ? domain : this.#context.hosts[0]!;
  }
}

/** At the end of its way a rule about delivery that could still be met is. */
function isDecidedBy(event: AmpEvent, { condition }: AmpRule): boolean {
  return condition === 'deliver' && event === 'delivered';
}

function withoutAmp(stanza: Stanza, amp: Element): Stanza {
  const { name, ns, attributes, children } = stanza.element;
  return Stanza.of(
    new Element(
      name,
      ns,
      attributes,
      children.filter((child) => child !== amp),
    ),
  );
}
