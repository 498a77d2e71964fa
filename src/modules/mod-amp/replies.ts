import {
  type AmpRule,
  Element,
  type Jid,
  NS_AMP,
  NS_AMP_ERRORS,
  NS_CLIENT,
  NS_STANZA_ERROR,
} from '../module.ts';
import { ruleElement } from './rules.ts';

/** Whom a message is from and to, and its id: what its sender needs to know it again. */
export interface Subject {
  readonly id: string | undefined;
  readonly from: Jid;
  readonly to: Jid;
}

/** What may be wrong with rules (XEP-0079 §6.1): the condition of the error and its code. */
const PROBLEMS = {
  'invalid-rules': ['not-acceptable', '405'],
  'unsupported-actions': ['bad-request', '400'],
  'unsupported-conditions': ['bad-request', '400'],
} as const;

export type Problem = keyof typeof PROBLEMS;

/** The error for rules that cannot be followed. */
export function refusal(subject: Subject, problem: Problem, rules: readonly Element[]): Element {
  const [condition, code] = PROBLEMS[problem];
  const error = Element.of(
    'error',
    NS_CLIENT,
    { type: 'modify', code },
    new Element(condition, NS_STANZA_ERROR),
    Element.of(problem, NS_AMP, {}, ...rules),
  );
  return message(subject, 'error', Element.of('amp', NS_AMP, {}, ...rules), error);
}

/** What the sender is told because of a rule whose condition is met; nothing for `drop`. */
export function reportOf(subject: Subject, rule: AmpRule): Element | undefined {
  const { action } = rule;
  if (action === 'drop') return undefined;
  const { from, to } = subject;
  const amp = Element.of('amp', NS_AMP, { status: action, from: from.full, to: to.full }, ruleElement(rule));
  if (action !== 'error') return message(subject, undefined, amp);
  const error = Element.of(
    'error',
    NS_CLIENT,
    { type: 'modify', code: '500' },
    new Element('undefined-condition', NS_STANZA_ERROR),
    Element.of('failed-rules', NS_AMP_ERRORS, {}, ruleElement(rule)),
  );
  return message(subject, 'error', amp, error);
}

function message({ id }: Subject, type: string | undefined, ...children: Element[]): Element {
  return Element.of('message', NS_CLIENT, { type, id: id ?? 'original-id-missing' }, ...children);
}
