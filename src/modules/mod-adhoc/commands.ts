import {
  type AdhocRequest,
  Element,
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  NO_REPLY,
  NS_COMMANDS,
  NS_DATA_FORMS,
  StanzaError,
} from '../module.ts';

const ACTIONS: ReadonlySet<string> = new Set(['', 'execute', 'next', 'prev', 'complete', 'cancel']);
/** What a form can say that comes with a command (XEP-0050 §2.4.3). */
const FORM_TYPES: ReadonlySet<string> = new Set(['submit', 'cancel']);

/** Runs a command: handlers of the hook do the work. */
export async function runCommand(
  context: ModuleContext,
  hook: 'adhoc_local_commands' | 'adhoc_sm_commands',
  { type, from, to, payload, lang }: IqRequest,
): Promise<IqAnswer> {
  if (type === 'get' || payload.name !== 'command') return new StanzaError('bad-request');
  const request = readCommand(payload, lang);
  if (request instanceof StanzaError) return request;
  const answer = await context.foldHook(hook, undefined, { from, to, request });
  if (answer === undefined) return new StanzaError('item-not-found');
  return answer === 'ignore' ? NO_REPLY : answer;
}

function readCommand(command: Element, lang: string): AdhocRequest | StanzaError {
  const action = command.attribute('action') ?? '';
  if (!ACTIONS.has(action)) return badCommand('malformed-action');
  const forms = command.elements().filter(({ name, ns }) => name === 'x' && ns === NS_DATA_FORMS);
  const [form] = forms;
  if (forms.length > 1 || (form !== undefined && !FORM_TYPES.has(form.attribute('type') ?? ''))) {
    return badCommand('bad-payload');
  }
  return {
    node: command.attribute('node') ?? '',
    action,
    sessionId: command.attribute('sessionid') ?? '',
    lang: command.attribute('xml:lang') ?? lang,
    form,
  };
}

/** XEP-0050 §4.4: bad-request, with what is bad about it. */
export function badCommand(condition: 'malformed-action' | 'bad-action' | 'bad-payload'): StanzaError {
  return new StanzaError('bad-request', undefined, { extra: new Element(condition, NS_COMMANDS) });
}
