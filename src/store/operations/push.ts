/** Somebody who is told of an account's messages (XEP-0357 §5): a node of a service, with the options that go with each publication. */
export interface PushSubscription {
  /** A bare JID. */
  readonly service: string;
  readonly node: string;
  /** Fields of the form of publish options, in their order; null: there was none. */
  readonly form: readonly (readonly [name: string, value: string])[] | null;
}

/** Who is told of messages, by account, service and node. */
export interface PushOperations {
  /**
   * Adds one, or replaces it. `full`, and nothing changes, when the account would then have more than `nodesMax`. `gone`: the account was removed after
   * `timestamp`, when it was asked for.
   */
  push_enable: {
    args: [
      domain: string,
      username: string,
      subscription: PushSubscription,
      timestamp: number,
      nodesMax: number,
    ];
    result: 'ok' | 'full' | 'gone';
  };
  /** Deletes one, or (`node` is null) all of a service. Returns how many there were. */
  push_disable: {
    args: [domain: string, username: string, service: string, node: string | null];
    result: number;
  };
  /** Those of an account, the earliest first. */
  push_list: { args: [domain: string, username: string]; result: PushSubscription[] };
  push_remove_user: { args: [domain: string, username: string]; result: number };
  push_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const PUSH_READS = ['push_list'] as const satisfies readonly (keyof PushOperations)[];
