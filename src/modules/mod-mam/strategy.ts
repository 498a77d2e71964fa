import type { AmpEvent, AmpStrategy, Jid, ModuleContext, Stanza } from '../module.ts';
import type { PmOptions } from './options.ts';
import { isArchivable, isConversation, isSimple } from './rules.ts';

/** For a message with rules (XEP-0079): where nobody would get it, the archive of its recipient has it. */
export async function foretell(
  context: ModuleContext,
  options: PmOptions,
  strategy: AmpStrategy,
  { to, packet, event }: { readonly to: Jid | undefined; readonly packet: Stanza; readonly event: AmpEvent },
): Promise<AmpStrategy | undefined> {
  const { deliver } = strategy;
  if (event !== 'initial_check' || deliver === undefined || !deliver.includes('none')) return undefined;
  if (to === undefined || to.local === '' || !context.hosts.includes(to.domain)) return undefined;
  const rules = { hasMarkers: options.archive_chat_markers };
  const isKept = isConversation(packet.type) && (isSimple(packet) || isArchivable(packet.element, rules));
  if (!isKept || !(await context.accounts.exists(to.bareJid))) return undefined;
  return { ...strategy, deliver: deliver.map((outcome) => (outcome === 'none' ? 'stored' : outcome)) };
}
