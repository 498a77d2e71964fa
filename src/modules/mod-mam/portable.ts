import {
  Element,
  type Jid,
  type ModuleContext,
  microsOfId,
  NS_CLIENT,
  NS_DELAY,
  NS_FORWARD,
  NS_PIE_MAM,
  type PortableEntry,
  type PortableOutcome,
  type PortablePage,
  parseElement,
  parseMicros,
  parseStableId,
  Stanza,
  StanzaError,
  serialize,
  stableIdText,
  stampOfMicros,
} from '../module.ts';
import type { ArchiveDamage } from './archive-damage.ts';
import { NS_MAM_1, NS_MAM_2 } from './namespaces.ts';
import type { MamOptions } from './options.ts';
import { type ImportOptions, takeMessages } from './portable-messages.ts';
import type { Preferences } from './prefs.ts';
import { parsePrefs, prefsElement } from './prefs-requests.ts';

/** Messages in one answer of the store. */
const BATCH = 200;

/** A message as a file has it. */
export interface PortableMessage {
  readonly from: Jid;
  readonly to: Jid;
  readonly element: Element;
  /** The stanza without addresses. */
  readonly packet: Buffer;
  /** When it was archived, and in which steps the file counts: microseconds. */
  readonly micros: number;
  readonly stepMicros: number;
  /** The id that this server, or another Meerkat, had given it. */
  readonly id: bigint | undefined;
}

/** Archives and what users want to be archived, in files that servers exchange (XEP-0227 §4.10). */
export function registerPortable(
  context: ModuleContext<MamOptions>,
  options: ImportOptions,
  prefs: Preferences | undefined,
  damage: ArchiveDamage,
): void {
  context.portable({
    name: 'archive',
    ns: NS_PIE_MAM,
    isContainer: true,
    read: (user, after) => readPage(context, damage, user, after),
    write: async (user, entries) => {
      const read = entries.map(({ element }) => messageOf(context, user, element));
      const usable = read.filter((one) => typeof one !== 'string');
      const outcomes = await takeMessages(context, options, user, usable);
      let next = 0;
      return read.map((one) => (typeof one === 'string' ? invalid(one) : outcomes[next++]!));
    },
  });
  if (prefs !== undefined) registerPrefs(context, prefs);
}

async function readPage(
  context: ModuleContext<MamOptions>,
  damage: ArchiveDamage,
  { bare }: Jid,
  after: string | null,
): Promise<PortablePage> {
  if (after === null) await context.foldHook('mam_archive_sync', undefined, {});
  const from = after === null ? 0n : BigInt(after);
  const messages = await context.store.request('archive_export', bare, from, BATCH);
  const entries = messages.flatMap((archived) => {
    const { id, from: sender, to } = archived;
    const bytes = damage.sound(archived);
    // There is nothing that another server could make of it.
    if (bytes === undefined) return [];
    const message = parseElement(bytes, 0, bytes.length).copy();
    message.attributes.set('from', sender);
    message.attributes.set('to', to);
    const delay = Element.of('delay', NS_DELAY, { stamp: stampOfMicros(microsOfId(id)) });
    const forwarded = Element.of('forwarded', NS_FORWARD, {}, delay, message);
    return serialize(Element.of('result', NS_MAM_2, { id: stableIdText(id) }, forwarded), NS_PIE_MAM);
  });
  const last = messages.at(-1);
  const damaged = messages.length - entries.length;
  return { entries, next: last === undefined ? null : String(last.id), damaged };
}

/** A result as an archive gives it (XEP-0313 §4.2), or what is wrong with it. */
function messageOf(context: ModuleContext<MamOptions>, user: Jid, result: Element): PortableMessage | string {
  const forwarded = result.child('forwarded', NS_FORWARD);
  if (
    result.name !== 'result' ||
    (result.ns !== NS_MAM_2 && result.ns !== NS_MAM_1) ||
    forwarded === undefined
  )
    return 'it is no result of an archive';
  const element = forwarded.child('message', NS_CLIENT);
  const stamp = forwarded.child('delay', NS_DELAY)?.attribute('stamp');
  const micros = parseMicros(stamp);
  if (element === undefined) return 'it has no message';
  if (micros === undefined) return 'it has no time';
  // Servers leave out what is clear: whose archive it is.
  const from = context.jid(element.attribute('from') ?? user.bare);
  const to = context.jid(element.attribute('to') ?? user.bare);
  if (from === undefined || to === undefined) return 'it has an address that is none';
  if (from.bare !== user.bare && to.bare !== user.bare) return 'it is neither from the user nor to him';
  const fraction = /\.(\d{1,6})/.exec(stamp!)?.[1] ?? '';
  const stepMicros = 10 ** (6 - fraction.length);
  const known = parseStableId(result.attribute('id') ?? '');
  const isOwnId =
    known !== undefined && microsOfId(known) >= micros && microsOfId(known) < micros + stepMicros;
  const message = element.copy();
  message.attributes.delete('from');
  message.attributes.delete('to');
  const packet = Stanza.of(message).toBuffer('', '');
  return { from, to, element, packet, micros, stepMicros, id: isOwnId ? known : undefined };
}

function registerPrefs(context: ModuleContext<MamOptions>, prefs: Preferences): void {
  const own = (user: Jid) => context.store.request('archive_get_prefs', user.bare);
  context.portable({
    name: 'prefs',
    ns: NS_MAM_2,
    isContainer: false,
    read: async (user) => {
      if ((await own(user)) === null) return { entries: [], next: null };
      return { entries: [serialize(prefsElement(NS_MAM_2, await prefs.get(user)))], next: null };
    },
    write: async (user, entries: readonly PortableEntry[]) => {
      const outcomes: PortableOutcome[] = [];
      for (const { element } of entries) {
        try {
          const wanted = parsePrefs(element);
          if ((await own(user)) === null) {
            await prefs.set(user, wanted);
            outcomes.push('taken');
            continue;
          }
          const isSame =
            serialize(prefsElement(NS_MAM_2, await prefs.get(user))) ===
            serialize(prefsElement(NS_MAM_2, wanted));
          outcomes.push(isSame ? 'known' : { code: 'differs', text: 'the user has said otherwise' });
        } catch (cause) {
          if (!(cause instanceof StanzaError)) throw cause;
          outcomes.push(invalid(cause.text ?? cause.condition));
        }
      }
      return outcomes;
    },
  });
}

function invalid(text: string): PortableOutcome {
  return { code: 'invalid', text };
}
