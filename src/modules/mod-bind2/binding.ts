import {
  type Accumulator,
  type C2sParams,
  Element,
  type ModuleContext,
  NS_BIND2,
  parseResource,
  randomText,
} from '../module.ts';
import type { SameClient } from './same-client.ts';

/** Opens the session that a login asked for. */
export class Binding {
  readonly #context: ModuleContext;
  readonly #sameClient: SameClient;

  constructor(context: ModuleContext, sameClient: SameClient) {
    this.#context = context;
    this.#sameClient = sameClient;
  }

  /** The client is known (`sasl2_success`): binds if it asked for it, and its session was not resumed. */
  bind(acc: Accumulator, session: C2sParams): undefined | Promise<undefined> {
    const request = acc.get<Element>('bind2', 'request');
    if (request === undefined || session.state === 'session_established') return undefined;
    return this.#bind(acc, session, request);
  }

  async #bind(acc: Accumulator, session: C2sParams, request: Element): Promise<undefined> {
    const login = this.#context.login(session);
    const answered = acc.get<Promise<void>>('sasl2', 'answered')!;
    const opening = await login.openSession(acc, resourceOf(request), answered, async () => {
      await this.#context.runHook('bind2_enable_features', acc, session);
    });
    if (opening !== 'opened') {
      acc.append('sasl2', 'answers', new Element('failed', NS_BIND2));
      return;
    }
    const answers = acc.get<readonly Element[]>('bind2', 'answers') ?? [];
    acc.append('sasl2', 'answers', Element.of('bound', NS_BIND2, {}, ...answers));
    this.#context.count('bound');
    this.#sameClient.bound(acc, session);
  }
}

/** XEP-0386 §3.2.1: the client's tag, if it can be part of a resource, before what the server makes up. */
function resourceOf(request: Element): string {
  const own = randomText(12, 'base64url');
  const tag = request.childText('tag') ?? '';
  return (tag === '' ? undefined : parseResource(`${tag}/${own}`)) ?? own;
}
