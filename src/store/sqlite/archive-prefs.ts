import type { ArchiveMode, StoredArchivePrefs } from '../operations/archive.ts';
import type { ArchiveJids } from './archive-jids.ts';
import type { Sqlite } from './database.ts';

type Behaviour = 'A' | 'N' | 'R';

const BEHAVIOUR: Record<ArchiveMode, Behaviour> = { always: 'A', never: 'N', roster: 'R' };
const MODE: Record<Behaviour, ArchiveMode> = { A: 'always', N: 'never', R: 'roster' };

/** Preferences of archives (XEP-0441). */
export class ArchivePrefs {
  readonly #jids: ArchiveJids;
  readonly #get;
  readonly #set;
  readonly #delete;

  constructor(db: Sqlite, jids: ArchiveJids) {
    this.#jids = jids;
    this.#get = db
      .prepare<[number], [jid: string, behaviour: Behaviour]>(
        'SELECT remote_jid, behaviour FROM mam_config WHERE user_id = ? ORDER BY remote_jid',
      )
      .raw(true);
    // Who is named twice is not archived.
    this.#set = db.prepare<[number, string, Behaviour]>(
      'INSERT OR REPLACE INTO mam_config (user_id, remote_jid, behaviour) VALUES (?, ?, ?)',
    );
    this.#delete = db.prepare<[number]>('DELETE FROM mam_config WHERE user_id = ?');
  }

  get(bare: string): StoredArchivePrefs | null {
    const owner = this.#jids.find(bare);
    const rows = owner === undefined ? [] : this.#get.all(owner);
    if (rows.length === 0) return null;
    const always: string[] = [];
    const never: string[] = [];
    let defaultMode: ArchiveMode = 'always';
    for (const [jid, behaviour] of rows) {
      if (jid === '') defaultMode = MODE[behaviour];
      else (behaviour === 'A' ? always : never).push(jid);
    }
    return { defaultMode, always, never };
  }

  set(bare: string, { defaultMode, always, never }: StoredArchivePrefs): null {
    const owner = this.#jids.number(bare);
    this.#delete.run(owner);
    this.#set.run(owner, '', BEHAVIOUR[defaultMode]);
    for (const jid of always) this.#set.run(owner, jid, 'A');
    for (const jid of never) this.#set.run(owner, jid, 'N');
    return null;
  }
}
