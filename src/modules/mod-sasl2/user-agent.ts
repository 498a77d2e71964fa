import { type Element, NS_SASL2, type UserAgent } from '../module.ts';

/** RFC 9562 §5.4: version 4 in the third group, the variant in the fourth. */
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

const NONE: UserAgent = { id: undefined, software: undefined, device: undefined };

/** Reads `<user-agent/>` (XEP-0388 §2.3). Undefined when its id is no UUID of version 4; without the element nothing is known. */
export function userAgentOf(authenticate: Element): UserAgent | undefined {
  const element = authenticate.child('user-agent', NS_SASL2);
  if (element === undefined) return NONE;
  const id = element.attribute('id');
  if (id !== undefined && !UUID_V4.test(id)) return undefined;
  return {
    id: id?.toLowerCase(),
    software: element.childText('software'),
    device: element.childText('device'),
  };
}
