import { type Jid, type ModuleContext, type PersonalData, type RoomUser, utcMicros } from '../module.ts';
import { markerName } from './markers.ts';

/** Markers deleted at a time. */
const STEP = 1_000;

/** Markers as data about somebody, or of a room: to be exported, and deleted. */
export class UserData {
  readonly #context: ModuleContext;
  readonly #flush: () => void;

  /** `flush` sends what was not written yet. */
  constructor(context: ModuleContext, flush: () => void) {
    this.#context = context;
    this.#flush = flush;
  }

  async removeUser(jid: Jid): Promise<undefined> {
    await this.#context.store.request('smart_markers_remove_user', jid.domain, jid.local);
  }

  async removeDomain(domain: string): Promise<void> {
    while ((await this.#context.store.request('smart_markers_remove_domain', domain, STEP)) > 0);
  }

  /** A room is gone (`forget_room`). */
  async forgetRoom(domain: string, room: string): Promise<undefined> {
    this.#flush();
    await this.#context.store.request('smart_markers_forget_room', [domain, room]);
  }

  /** Who does not belong to a room any more has no markers there (`room_new_affiliations`). */
  async keepMembers(room: Jid, users: readonly RoomUser[]): Promise<undefined> {
    const members = users.filter(({ affiliation }) => affiliation !== 'none').map(({ jid }) => jid.bare);
    this.#flush();
    await this.#context.store.request('smart_markers_keep_members', [room.domain, room.local], members);
  }

  async export(data: readonly PersonalData[], jid: Jid): Promise<readonly PersonalData[]> {
    this.#flush();
    const markers = await this.#context.store.request('smart_markers_list', jid.domain, jid.local);
    const rows = markers.map(({ to, thread, code, msgId, timestamp }) => [
      to,
      thread,
      markerName(code),
      msgId,
      utcMicros(timestamp),
    ]);
    const columns = ['to', 'thread', 'type', 'id', 'timestamp'];
    return [...data, { name: 'smart_markers', columns, rows }];
  }
}
