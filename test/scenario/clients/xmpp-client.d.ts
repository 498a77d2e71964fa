/** The parts of @xmpp/client (which brings no types) that the tests use. */
declare module '@xmpp/client' {
  export interface XmlElement {
    readonly name: string;
    readonly attrs: Readonly<Record<string, string | undefined>>;
    is(name: string, namespace?: string): boolean;
    getChild(name: string, namespace?: string): XmlElement | undefined;
    getChildren(name: string, namespace?: string): XmlElement[];
    getChildElements(): XmlElement[];
    getChildText(name: string, namespace?: string): string | null;
    text(): string;
  }

  export interface XmppClient {
    start(): Promise<{ toString(): string }>;
    stop(): Promise<void>;
    send(element: XmlElement): Promise<void>;
    on(event: 'online', listener: (jid: { toString(): string }) => void): this;
    on(event: 'stanza', listener: (stanza: XmlElement) => void): this;
    on(event: 'element', listener: (element: XmlElement) => void): this;
    on(event: 'send', listener: (element: XmlElement) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    readonly streamManagement: {
      readonly enabled: boolean;
      /** Stanzas handled. */
      inbound: number;
      on(event: 'resumed', listener: () => void): void;
    };
    readonly reconnect: { delay: number; stop(): void };
    /** What it logs in again with (XEP-0484). */
    readonly fast: { fetchToken(): Promise<object | undefined> };
    readonly iqCaller: { request(iq: XmlElement, timeoutMs?: number): Promise<XmlElement> };
    readonly iqCallee: {
      set(
        namespace: string,
        name: string,
        answer: (request: { readonly stanza: XmlElement; readonly element: XmlElement }) => true,
      ): void;
    };
    /** What it asks for while it binds (XEP-0386). */
    readonly bind2: {
      use(namespace: string, ask: () => XmlElement, answered: (answer: XmlElement) => void): void;
    };
  }

  export function client(options: {
    service: string;
    domain: string;
    resource: string;
    credentials:
      | ((
          authenticate: (credentials: object, mechanism: string) => Promise<void>,
          mechanisms: readonly string[],
        ) => Promise<void>)
      | { readonly username: string; readonly password: string; readonly token?: object };
    userAgent?: XmlElement;
  }): XmppClient;

  export function xml(
    name: string,
    attributes?: Readonly<Record<string, string>>,
    ...children: (XmlElement | string)[]
  ): XmlElement;
}
