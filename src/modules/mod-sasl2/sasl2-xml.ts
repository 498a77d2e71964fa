import {
  type Accumulator,
  type C2sParams,
  Element,
  type LoginDemands,
  NS_CLIENT,
  NS_SASL,
  NS_SASL2,
  type SaslFailure,
  serialize,
} from '../module.ts';

/** What the server says in the namespace of XEP-0388. `data` is additional data of the mechanism; undefined for none. */

/** XEP-0388 §2.6.1. `told` is what tasks say at their end. */
export function successXml(
  acc: Accumulator,
  { jid, state }: C2sParams,
  data: Buffer | undefined,
  told: readonly Element[],
): string {
  // Until it is in the session table, no address is anybody's.
  const who = state === 'session_established' ? jid!.full : jid!.bare;
  const success = Element.of(
    'success',
    NS_SASL2,
    {},
    ...told,
    ...additional(data),
    Element.of('authorization-identifier', NS_SASL2, {}, who),
    ...(acc.get<readonly Element[]>('sasl2', 'answers') ?? []),
  );
  return serialize(success, NS_CLIENT);
}

/** XEP-0388 §2.6.2. */
export function failureXml({ condition, text }: SaslFailure): string {
  const children: Element[] = [new Element(condition, NS_SASL)];
  if (text !== undefined) children.push(Element.of('text', NS_SASL2, { 'xml:lang': 'en' }, text));
  return serialize(Element.of('failure', NS_SASL2, {}, ...children), NS_CLIENT);
}

/** XEP-0388 §2.6.3. */
export function continueXml({ tasks, text }: LoginDemands, data: Buffer | undefined): string {
  const names = new Set(tasks.map(({ name }) => name));
  const children = [
    ...additional(data),
    Element.of('tasks', NS_SASL2, {}, ...[...names].map((name) => Element.of('task', NS_SASL2, {}, name))),
  ];
  if (text !== undefined) children.push(Element.of('text', NS_SASL2, { 'xml:lang': 'en' }, text));
  return serialize(Element.of('continue', NS_SASL2, {}, ...children), NS_CLIENT);
}

export function taskDataXml(children: readonly Element[]): string {
  return serialize(Element.of('task-data', NS_SASL2, {}, ...children), NS_CLIENT);
}

function additional(data: Buffer | undefined): Element[] {
  return data === undefined ? [] : [Element.of('additional-data', NS_SASL2, {}, data.toString('base64'))];
}
