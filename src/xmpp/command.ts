import { randomText } from '../util/random.ts';
import { Element } from '../xml/element.ts';
import { NS_COMMANDS } from './namespaces.ts';

/** What can be done with a command that goes on (XEP-0050 §3.4). */
export type CommandAction = 'prev' | 'next' | 'complete';

/** How a command goes on, or ended. */
export interface CommandResult {
  readonly status: 'executing' | 'completed' | 'canceled';
  /** What may be done next; only while it is executing. */
  readonly actions?: readonly CommandAction[];
  /** What `execute` means at this stage; `next` when left out. It is one of the actions, named or not. */
  readonly defaultAction?: CommandAction;
  readonly notes?: readonly { readonly type: 'info' | 'warn' | 'error'; readonly text: string }[];
  /** A data form, or whatever else the command gives. */
  readonly payload?: readonly Element[];
}

/** The answer to a command (XEP-0050 §2.4): with the session of the request, or a new one. */
export function commandElement(
  request: { readonly node: string; readonly sessionId: string },
  result: CommandResult,
): Element {
  const { status, actions = [], defaultAction = 'next', notes = [], payload = [] } = result;
  const sessionid = request.sessionId === '' ? newSessionId() : request.sessionId;
  const command = Element.of('command', NS_COMMANDS, { node: request.node, sessionid, status });
  if (status === 'executing' && actions.length > 0) {
    const all = new Set<CommandAction>([...actions, defaultAction]);
    const children = [...all].map((name) => new Element(name, NS_COMMANDS));
    command.children.push(Element.of('actions', NS_COMMANDS, { execute: defaultAction }, ...children));
  }
  for (const { type, text } of notes) command.children.push(Element.of('note', NS_COMMANDS, { type }, text));
  command.children.push(...payload);
  return command;
}

/** Nobody else can guess it. */
function newSessionId(): string {
  return randomText(18, 'base64url');
}
