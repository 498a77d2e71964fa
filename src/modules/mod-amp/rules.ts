import { type AmpRule, type AmpSupport, Element, NS_AMP, parseStamp } from '../module.ts';

/** Rules in one message. */
const RULES_MAX = 32;

export const ACTIONS: readonly string[] = ['alert', 'drop', 'error', 'notify'];
export const CONDITIONS: readonly string[] = ['deliver', 'expire-at', 'match-resource'];

const DELIVER_VALUES: ReadonlySet<string> = new Set(['direct', 'stored', 'none', 'forward', 'gateway']);
const RESOURCE_VALUES: ReadonlySet<string> = new Set(['any', 'exact', 'other']);

/** What a message asks for. */
export interface Ruleset {
  readonly rules: readonly AmpRule[];
  /** Those that nobody can make sense of, as they were sent. */
  readonly invalid: readonly Element[];
}

/** Reads the rules of an `<amp/>` (XEP-0079 §3.3). No rules at all, or too many, are as bad as wrong ones. */
export function parseRules(amp: Element): Ruleset {
  const children = amp.elements();
  const rules: AmpRule[] = [];
  const invalid: Element[] = [];
  for (const child of children) {
    const rule = children.length > RULES_MAX ? undefined : parseRule(child);
    if (rule === undefined) invalid.push(child);
    else rules.push(rule);
  }
  return { rules, invalid: invalid.slice(0, RULES_MAX) };
}

function parseRule(element: Element): AmpRule | undefined {
  const condition = element.attribute('condition');
  const action = element.attribute('action');
  const value = element.attribute('value');
  if (element.name !== 'rule' || element.ns !== NS_AMP) return undefined;
  if (condition === undefined || action === undefined || value === undefined) return undefined;
  return isValue(condition, value) ? { condition, action, value } : undefined;
}

/** Of conditions that are not known, any value will do: that they are not known is another error. */
function isValue(condition: string, value: string): boolean {
  if (condition === 'deliver') return DELIVER_VALUES.has(value);
  if (condition === 'match-resource') return RESOURCE_VALUES.has(value);
  // XEP-0079 §3.3.2: in UTC.
  return condition !== 'expire-at' || (value.endsWith('Z') && parseStamp(value) !== undefined);
}

/** Which rules are supported; `known` are those that another handler has judged. */
export function supportOf(rules: readonly AmpRule[], known: readonly AmpSupport[]): AmpSupport[] {
  return rules.map((rule) => {
    const judged = known.find((one) => one.rule === rule);
    if (judged !== undefined) return judged;
    if (!ACTIONS.includes(rule.action)) return { isSupported: false, rule, error: 'unsupported-actions' };
    if (CONDITIONS.includes(rule.condition)) return { isSupported: true, rule };
    return { isSupported: false, rule, error: 'unsupported-conditions' };
  });
}

export function ruleElement({ condition, action, value }: AmpRule): Element {
  return Element.of('rule', NS_AMP, { condition, action, value });
}
