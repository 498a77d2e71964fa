import {
  type ArchiveBehaviour,
  type ArchivePrefs,
  Element,
  type Failed,
  type IqRequest,
  type Jid,
  type ModuleContext,
  type Outcome,
  parseJid,
  StanzaError,
} from '../module.ts';
import { PREFS_JIDS_MAX } from './limits.ts';

const ALWAYS: ArchivePrefs = { defaultMode: 'always', always: [], never: [] };
const MODES: ReadonlySet<string> = new Set<ArchiveBehaviour>(['always', 'never', 'roster']);

/** Requests for preferences (XEP-0441): by the hooks `mam_get_prefs` and `mam_set_prefs`, which the store answers if it keeps preferences. */
export class PrefsRequests {
  readonly #context: ModuleContext;
  readonly #isKept: boolean;

  constructor(context: ModuleContext, isKept: boolean) {
    this.#context = context;
    this.#isKept = isKept;
  }

  async get({ to, payload }: IqRequest): Promise<Element | StanzaError> {
    if (!this.#isKept && !this.#context.hasOtherHandlers('mam_get_prefs')) return unsupported();
    const params = { archiveId: undefined, owner: to.bareJid };
    const prefs = await this.#context.foldHook('mam_get_prefs', ALWAYS, params);
    return 'error' in prefs ? failure(prefs) : prefsElement(payload.ns, prefs);
  }

  async set({ to, payload }: IqRequest): Promise<Element | StanzaError> {
    const prefs = parsePrefs(payload);
    const outcome: Outcome = await this.#context.foldHook(
      'mam_set_prefs',
      { error: 'not_implemented' },
      {
        archiveId: undefined,
        owner: to.bareJid,
        defaultMode: prefs.defaultMode,
        alwaysJids: prefs.always,
        neverJids: prefs.never,
      },
    );
    return outcome === 'ok' ? prefsElement(payload.ns, prefs) : failure(outcome);
  }
}

/** Throws a {@link StanzaError} if they are none. */
export function parsePrefs(payload: Element): ArchivePrefs {
  const mode = payload.attribute('default');
  if (mode === undefined || !MODES.has(mode)) throw new StanzaError('bad-request', 'default');
  return {
    defaultMode: mode as ArchiveBehaviour,
    always: jidsIn(payload.child('always')),
    never: jidsIn(payload.child('never')),
  };
}

function jidsIn(list: Element | undefined): Jid[] {
  const jids = new Map<string, Jid>();
  for (const element of list?.elements() ?? []) {
    if (element.name !== 'jid') continue;
    const jid = parseJid(element.text().trim());
    if (jid === undefined) throw new StanzaError('jid-malformed');
    jids.set(jid.full, jid);
  }
  if (jids.size > PREFS_JIDS_MAX) throw new StanzaError('policy-violation', 'Too many addresses');
  return [...jids.values()];
}

export function prefsElement(ns: string, { defaultMode, always, never }: ArchivePrefs): Element {
  const list = (name: string, jids: readonly Jid[]): Element =>
    Element.of(name, ns, {}, ...jids.map((jid) => Element.of('jid', ns, {}, jid.full)));
  return Element.of('prefs', ns, { default: defaultMode }, list('always', always), list('never', never));
}

function failure({ error }: Failed): StanzaError {
  if (error === 'not_implemented') return unsupported();
  return new StanzaError(error === 'unavailable' ? 'service-unavailable' : 'internal-server-error');
}

function unsupported(): StanzaError {
  return new StanzaError('feature-not-implemented', 'The archive keeps no preferences');
}
