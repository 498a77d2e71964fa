import { z } from 'zod';
import {
  type Accumulator,
  type C2sParams,
  defineModule,
  Element,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type LastActivity,
  type ModuleContext,
  NS_LAST,
  NS_PIE_MEERKAT,
  type PortableOutcome,
  parseMicros,
  STOP,
  StanzaError,
  serialize,
  stampOfMicros,
  stop,
  type Verdict,
} from '../module.ts';
import { registerCommands } from './commands.ts';
import { Departures, STATUS_LENGTH_MAX } from './departures.ts';
import { isShownTo } from './privacy.ts';

/** Last activity (XEP-0012): when an account was there last, and for how long the server has been. */
export default defineModule({
  name: 'mod_last',
  xeps: [{ number: 12, version: '2.0' }],
  options: z.strictObject({}),
  setup(context) {
    const departures = new Departures(context);
    registerCommands(context, departures);
    context.iq('local', NS_LAST, serverAnswer);
    // A stranger is refused alike, whether or not there is such an account (threat T68).
    const discipline = { type: 'no_queue', answersForUnknown: true } as const;
    context.iq('sm', NS_LAST, (request) => userAnswer(context, departures, request), discipline);
    context.hook('user_receive_iq', 50, (acc, session) => gate(context, acc, session));

    context.hook('unset_presence', 50, (acc, { jid, status }) => {
      const text = status.slice(0, STATUS_LENGTH_MAX).toWellFormed();
      departures.left(jid.bareJid, text, acc.originSid?.time);
    });
    // All of a lost shard at once; so there is nothing left to do for each in session_cleanup.
    context.hook('sessions_cleanup', 50, (_nothing, { sessions }) => {
      for (const { jid, sid } of sessions) departures.left(jid.bareJid, '', sid.time);
    });
    context.hook('remove_user', 50, (_acc, { jid }) => departures.remove(jid));
    context.hook('anonymous_purge', 50, (_acc, { jid }) => departures.purge(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await departures.removeDomain(domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, async (data, { jid }) => {
      const last = await departures.of(jid);
      const rows =
        last === null ? [] : [[new Date(last.timestamp / 1000).toISOString(), last.status] as const];
      return [...data, { name: 'last', columns: ['timestamp', 'status'], rows }];
    });
    context.portable({
      name: 'last',
      ns: NS_PIE_MEERKAT,
      isContainer: false,
      read: async (user) => {
        const last = await departures.of(user);
        return { entries: last === null ? [] : [serialize(lastElement(last))], next: null };
      },
      write: async (user, entries) => {
        const outcomes: PortableOutcome[] = [];
        for (const { element } of entries) outcomes.push(await takeLast(context, departures, user, element));
        return outcomes;
      },
    });
  },
});

function lastElement({ timestamp, status }: LastActivity): Element {
  const element = Element.of('last', NS_PIE_MEERKAT, { stamp: stampOfMicros(timestamp) });
  if (status !== '') element.children.push(status);
  return element;
}

/** When the user was last at another server; what is known here counts if it is later. */
async function takeLast(
  context: ModuleContext,
  departures: Departures,
  user: Jid,
  element: Element,
): Promise<PortableOutcome> {
  const timestamp = parseMicros(element.attribute('stamp'));
  if (timestamp === undefined) return { code: 'invalid', text: 'it has no time' };
  const own = await departures.of(user);
  if (own !== null && own.timestamp >= timestamp) return 'known';
  const status = element.text().slice(0, STATUS_LENGTH_MAX).toWellFormed();
  await context.store.request('last_set', [[user.domain, user.local, timestamp, status]]);
  return 'taken';
}

/** XEP-0012 §4: for how long the server has been running. */
function serverAnswer(request: IqRequest): IqAnswer {
  return refusal(request) ?? queryElement(process.uptime());
}

/** XEP-0012 §3: when the user was there last; 0 while he is. */
async function userAnswer(
  context: ModuleContext,
  departures: Departures,
  request: IqRequest,
): Promise<IqAnswer> {
  const { acc, from, to } = request;
  const refused = refusal(request);
  if (refused !== undefined) return refused;
  if (!(await isShownTo(context, acc, from, to))) return new StanzaError('forbidden');
  if (isThere(context, to)) return queryElement(0);
  const last = await departures.of(to);
  if (last !== null) return queryElement((context.timestamp() - last.timestamp) / 1e6, last.status);
  // He may have come while the store was asked.
  return isThere(context, to) ? queryElement(0) : new StanzaError('service-unavailable');
}

function isThere(context: ModuleContext, user: Jid): boolean {
  return context.sessions(user).length > 0;
}

/** XEP-0012 §3.2: a question to a client is for those alone who may see its presence. */
function gate(context: ModuleContext, acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
  const { type } = acc.stanza!;
  const own = session.jid!;
  const { from } = acc;
  // No tree is built for answers, for what the server itself asks, for what own resources do, nor for most of what contacts send each other.
  if (type !== 'get' && type !== 'set') return undefined;
  if (from.bare === own.bare || from.full === own.domain) return undefined;
  if (!acc.stanza!.mayContain('query')) return undefined;
  if (acc.stanza!.element.childOf(NS_LAST) === undefined) return undefined;
  const isShown = isShownTo(context, acc, from, own.bareJid);
  if (!(isShown instanceof Promise)) return isShown ? undefined : forbid(context, acc);
  return isShown.then((shown) => (shown ? undefined : forbid(context, acc)));
}

function forbid(context: ModuleContext, acc: Accumulator): typeof STOP {
  const reply = acc.errorReply(new StanzaError('forbidden'));
  if (reply === undefined) context.outcome(acc, 'dropped');
  else {
    context.outcome(acc, 'bounced');
    void context.route(reply);
  }
  return STOP;
}

function refusal({ type, payload }: IqRequest): StanzaError | undefined {
  if (type === 'set') return new StanzaError('not-allowed');
  return payload.name === 'query' ? undefined : new StanzaError('bad-request');
}

function queryElement(seconds: number, status = ''): Element {
  const query = Element.of('query', NS_LAST, { seconds: String(Math.max(0, Math.floor(seconds))) });
  if (status !== '') query.children.push(status);
  return query;
}
