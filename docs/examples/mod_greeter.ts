import {
  type Accumulator,
  defineModule,
  Element,
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  StanzaError,
  z,
} from 'meerkat/module';

/** The namespace of our requests. */
const NS_GREETER = 'urn:example:greeter';
const GREETING_CHARACTERS_MAX = 500;

const options = z.strictObject({
  greeting: z
    .string()
    .default('Welcome, {name}!')
    .describe('What users hear who have not chosen a greeting.'),
  bot: z
    .string()
    .optional()
    .describe('A domain that greets whoever writes to it, such as greeter.localhost.'),
});

type Options = z.infer<typeof options>;

/**
 * Greets each session when it becomes available for the first time. Users choose their greeting with a request; it is stored, part of their
 * exported data, and gone with their account.
 */
export default defineModule<Options>({
  name: 'mod_greeter',
  options,
  setup(context) {
    const { bot } = context.options;

    // A hook: somebody became available. The lower priority runs first.
    context.hook('user_available', 50, (_acc, { jid }) => {
      const session = context.session(jid)?.params;
      // State of a session: this one was greeted.
      if (session === undefined || session.moduleState(context.slot) === true) return undefined;
      session.setModuleState(context.slot, true);
      // Not waited for: greeting must not hold up the client.
      void greet(context, jid);
      return undefined;
    });

    // Requests to the server; its namespace shows up in service discovery.
    context.iq('local', NS_GREETER, (request) => answer(context, request));

    // A subdomain that stanzas can be sent to.
    if (bot !== undefined) context.subdomain(bot, (acc) => reply(context, acc));

    // What we store about a user is part of what the user can ask for.
    context.hook('get_personal_data', 50, async (data, { jid }) => {
      const greeting = await context.values.get(jid.bare, 'greeting');
      if (typeof greeting !== 'string') return undefined;
      return [...data, { name: 'greeter', columns: ['greeting'], rows: [[greeting]] }];
    });
  },
});

/** Sends the greeting. Never rejects. */
async function greet(context: ModuleContext<Options>, jid: Jid): Promise<void> {
  try {
    const text = (await greetingOf(context, jid)).replaceAll('{name}', jid.local);
    const body = Element.of('body', NS_CLIENT, {}, text);
    const message = Element.of('message', NS_CLIENT, { type: 'headline' }, body);
    void context.route(context.accumulator(context.trustedJid(jid.domain), jid, message));
    context.count('greeted');
  } catch (cause) {
    context.log.warn({ err: cause, what: 'not_greeted', jid: jid.full }, 'a user was not greeted');
  }
}

/** The greeting that a user chose, or the usual one. */
async function greetingOf({ values, options }: ModuleContext<Options>, jid: Jid): Promise<string> {
  return ((await values.get(jid.bare, 'greeting')) as string | null) ?? options.greeting;
}

/** `get`: the own greeting. `set`: chooses one. */
async function answer(context: ModuleContext<Options>, request: IqRequest): Promise<IqAnswer> {
  const { type, from, payload } = request;
  if (payload.name !== 'greeting') return new StanzaError('bad-request');
  // Users of other servers have no greeting here.
  if (!context.hosts.includes(from.domain)) return new StanzaError('forbidden');
  if (type === 'get') return Element.of('greeting', NS_GREETER, {}, await greetingOf(context, from));
  const text = payload.text();
  if (text === '' || text.length > GREETING_CHARACTERS_MAX) return new StanzaError('not-acceptable');
  await context.values.set(from.bare, 'greeting', text);
  return EMPTY_RESULT;
}

/** A message to the bot is answered; anything else to it is not. */
function reply(context: ModuleContext<Options>, acc: Accumulator): undefined {
  const { stanza, from, to } = acc;
  // Answering errors would make a loop of two bots.
  const isForUs = stanza?.name === 'message' && stanza.type !== 'error';
  context.outcome(acc, isForUs ? 'delivered' : 'dropped');
  if (!isForUs) return;
  const body = Element.of('body', NS_CLIENT, {}, `Hello, ${from.local}!`);
  const message = Element.of('message', NS_CLIENT, { type: 'chat', id: stanza.id }, body);
  void context.route(context.accumulator(to, from, message));
}
