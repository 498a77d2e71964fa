import {
  NS_FULL_TEXT,
  NS_GROUPCHAT_AVAILABLE,
  NS_GROUPCHAT_FIELD,
  NS_MAM_1,
  NS_MAM_2,
  NS_MAM_EXTENDED,
  NS_RETRACT_0,
  NS_RETRACT_1,
  NS_RETRACT_STANZA_ID,
} from './namespaces.ts';
import type { PmOptions } from './options.ts';

/** What service discovery tells of archives (XEP-0313 §8, XEP-0424 §2 and §5, XEP-0431 §2.1). */
export function featuresOf(options: PmOptions): readonly string[] {
  const tombstones = [`${NS_RETRACT_0}#tombstone`, `${NS_RETRACT_1}#tombstone`, NS_RETRACT_STANZA_ID];
  return [
    NS_MAM_1,
    NS_MAM_2,
    NS_MAM_EXTENDED,
    NS_GROUPCHAT_FIELD,
    ...(options.archive_groupchats ? [NS_GROUPCHAT_AVAILABLE] : []),
    ...(options.full_text_search ? [NS_FULL_TEXT] : []),
    NS_RETRACT_0,
    NS_RETRACT_1,
    ...(options.message_retraction ? tombstones : []),
  ];
}
