import {
  type C2sParams,
  Element,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  type RosterItem,
  type StoredChange,
  type StoredContact,
  serialize,
} from '../module.ts';
import type { RosterOptions } from './options.ts';
import { itemOf, queryElement, removedItem } from './roster-text.ts';
import type { Rosters } from './rosters.ts';
import { type RosterEvent, SessionRoster, type SessionRosterData } from './session-roster.ts';

/** How long a change waits for one before it that has not come. Its shard has died, most likely. */
const PATIENCE_MS = 2_000;

/** Roster pushes (RFC 6121 §2.1.6): every connected session of the user is told, wherever it is, in the order of the changes. */
export class Pushes {
  readonly #context: ModuleContext<RosterOptions>;
  readonly #rosters: Rosters;

  constructor(context: ModuleContext<RosterOptions>, rosters: Rosters) {
    this.#context = context;
    this.#rosters = rosters;
    context.sessionState<SessionRoster>({
      encode: (view) => view.toData(),
      decode: (data) => SessionRoster.fromData(data as SessionRosterData),
      left: (view) => view.cancelPatience?.(),
      // What waits for an earlier change goes on waiting, as long as anybody's patience lasts.
      arrived: (view, session) => this.#goOn(session, view),
    });
  }

  /** Tells all sessions of a user about a change; `item` is what they see of it. */
  async announce(user: Jid, change: StoredChange, item: RosterItem): Promise<void> {
    // Before anything that follows from the change: mod_presence goes by it.
    const at = this.#context.timestamp();
    const ver = (await this.#rosters.verAfter(user, change)) ?? null;
    const event: RosterEvent = {
      jid: item.jid.bare,
      subscription: item.subscription,
      version: change.version,
      previous: change.previous,
      at,
      ver,
      contact: item.subscription === 'remove' ? null : contactOf(item),
    };
    this.#context.sendEvent(user.bareJid, event);
  }

  /** An event for a session (`foreign_event`). */
  told(session: C2sParams, event: RosterEvent): void {
    const view = this.#viewOf(session);
    if (view === undefined || (view.version === undefined && view.gets === 0)) {
      this.#push(session, event, event.ver);
      return;
    }
    view.hold(event);
    this.#goOn(session, view);
  }

  /** The client has asked for its roster: until {@link got} changes wait. */
  asked(session: C2sParams): SessionRoster {
    let view = this.#viewOf(session);
    if (view === undefined) {
      view = new SessionRoster();
      session.setModuleState(this.#context.slot, view);
    }
    view.gets++;
    return view;
  }

  /** The client has got its roster of that version; undefined if it got none. */
  got(session: C2sParams, view: SessionRoster, version: number | undefined): void {
    view.gets--;
    if (version !== undefined) {
      view.version = version;
      view.isBroken = false;
    }
    this.#goOn(session, view);
  }

  #viewOf(session: C2sParams): SessionRoster | undefined {
    const view = session.moduleState(this.#context.slot);
    return view instanceof SessionRoster ? view : undefined;
  }

  #goOn(session: C2sParams, view: SessionRoster): void {
    for (let event = view.next(); event !== undefined; event = view.next())
      this.#pushNext(session, view, event);
    if (view.held === undefined) {
      view.cancelPatience?.();
      view.cancelPatience = undefined;
    } else if (view.gets === 0) {
      view.cancelPatience ??= this.#context.after(PATIENCE_MS, () => this.#goOnWithout(session, view));
    }
  }

  /** A change is lost. The client is told of the others, but none of its versions is one that it may rely on. */
  #goOnWithout(session: C2sParams, view: SessionRoster): void {
    view.cancelPatience = undefined;
    if (view.gets > 0) return;
    view.isBroken = true;
    this.#context.count('gap');
    const event = view.oldest();
    if (event !== undefined) this.#pushNext(session, view, event);
    this.#goOn(session, view);
  }

  #pushNext(session: C2sParams, view: SessionRoster, event: RosterEvent): void {
    view.version = event.version;
    // With an empty version the next login gets the whole roster (RFC 6121 §2.6.2).
    this.#push(session, event, view.isBroken && event.ver !== null ? '' : event.ver);
  }

  #push(session: C2sParams, event: RosterEvent, ver: string | null): void {
    const jid = session.jid!;
    if (this.#context.session(jid)?.params !== session) return;
    const item =
      event.contact === null
        ? removedItem(this.#context.trustedJid(event.jid))
        : itemOf(this.#context, event.contact);
    if (!this.#context.options.versioning) {
      void this.#context.foldHook('roster_push', undefined, { from: jid.bareJid, item });
    }
    const id = `push${this.#context.timestamp().toString(36)}`;
    const iq = Element.of('iq', NS_CLIENT, { type: 'set', id }, queryElement([item], ver ?? undefined));
    this.#context.count('push');
    void this.#context.route(this.#context.accumulator(jid.bareJid, jid, iq));
  }
}

/** The item as plain data. */
function contactOf(item: RosterItem): StoredContact {
  const { name, ask, isApproved, groups, askMessage, extra, subscription } = item;
  return {
    jid: item.jid.bare,
    name,
    subscription: subscription === 'remove' ? 'none' : subscription,
    ask,
    isApproved,
    groups,
    askMessage,
    extra: extra.map((child) => serialize(child)).join(''),
    isListed: true,
  };
}
