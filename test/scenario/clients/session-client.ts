import type { ChatClient, ClientKind, ClientSettings } from './chat-client.ts';

/** What the stories of test/scenario/clients/session-stories.ts need of a client library, beside chatting. */

/** An item of a roster. */
export interface Contact {
  readonly jid: string;
  readonly name: string;
  readonly subscription: string;
  readonly isAsked: boolean;
  readonly groups: readonly string[];
}

/** A copy of what another device of the account sent or received (XEP-0280). */
export interface Copy {
  readonly kind: 'sent' | 'received';
  readonly from: string;
  readonly to: string;
  readonly body: string;
}

/** Presence that asks for a subscription or answers about one (RFC 6121 §3). */
export interface SubscriptionNews {
  /** The bare JID. */
  readonly from: string;
  readonly type: string;
}

/** A change of the block list that another device, or this one, has made (XEP-0191). */
export interface BlockChange {
  readonly kind: 'block' | 'unblock';
  readonly jids: readonly string[];
}

/** Methods that answer do so when the server has, and reject with what it refused. */
export interface SessionClient extends ChatClient {
  /** Resolves when the library has taken the message; it may not be on its way yet. */
  say(to: string, body: string): Promise<void>;
  /** The next message that came back, and the condition of its error. */
  bounce(): Promise<{ readonly from: string; readonly condition: string }>;

  /** The whole roster. From then on the device gets {@link rosterPush}es. */
  roster(): Promise<readonly Contact[]>;
  /** The next item that the server sent by itself. */
  rosterPush(): Promise<Contact>;
  setContact(jid: string, name: string, groups: readonly string[]): Promise<void>;
  removeContact(jid: string): Promise<void>;
  subscribe(to: string): Promise<void>;
  approve(jid: string): Promise<void>;
  subscriptionNews(): Promise<SubscriptionNews>;

  /** Copies are switched on. */
  carbons(): Promise<void>;
  copy(): Promise<Copy>;

  /** The block list. From then on the device gets {@link blockChange}s. */
  blocked(): Promise<readonly string[]>;
  block(jid: string): Promise<void>;
  unblock(jid: string): Promise<void>;
  blockChange(): Promise<BlockChange>;

  /** XEP-0012. */
  lastActivity(of: string): Promise<{ readonly seconds: number; readonly status: string }>;
  /** XEP-0054: a card with nothing but a full name. */
  publishCard(fullName: string): Promise<void>;
  fullName(of: string): Promise<string>;
  /** XEP-0048 in private storage (XEP-0049). */
  keepBookmark(room: string, name: string): Promise<void>;
  bookmarks(): Promise<readonly { readonly jid: string; readonly name: string }[]>;
  /** XEP-0352. */
  setInactive(): Promise<void>;
  setActive(): Promise<void>;

  /** Says why it goes, and closes the stream. */
  leave(status: string): Promise<void>;
}

/** A kind of client that does all of this. */
export interface SessionClientKind extends ClientKind {
  /** Whether it sends again what was not acknowledged before a break. */
  readonly sendsAgain: boolean;
  create(settings: ClientSettings): SessionClient;
}

/** Reads roster pushes until a contact is as wanted: each step of a subscription sends one, and some send two. */
export async function pushed(client: SessionClient, wanted: Partial<Contact>): Promise<void> {
  for (;;) {
    const contact = await client.rosterPush();
    if (Object.entries(wanted).every(([key, value]) => contact[key as keyof Contact] === value)) return;
  }
}

/** Reads presence until sessions have come, or gone, in whatever order. */
export async function seen(
  client: SessionClient,
  from: readonly string[],
  isAvailable: boolean,
): Promise<void> {
  const missing = new Set(from);
  while (missing.size > 0) {
    const presence = await client.presence();
    if (presence.isAvailable === isAvailable) missing.delete(presence.from);
  }
}
