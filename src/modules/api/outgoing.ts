/** Servers of others, which a module tells or asks something. Whoever waits for them keeps nobody else waiting, or only for a while. */

/** One request. The host is the pool's own; so is the beginning of the path. */
export interface WebRequest {
  readonly method: 'GET' | 'POST';
  /** Below the pool's `path_prefix`, without a slash before it. What comes from outside is put into it by `pathSegment` alone (threat T63). */
  readonly path: string;
  /** In the query of a GET, in the form of a POST. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Of a POST, in place of the form; at most 1 MiB. */
  readonly body?: { readonly type: string; readonly text: string };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WebService {
  /** How many requests can be under way at once; further ones wait for one of those. */
  readonly connections: number;
  /**
   * The answer, of at most 64 KiB. Redirections are not followed: they are answers like any other. Rejects when none comes in time, when it is a status of 500 and
   * above, or when the service is not asked because it did not answer lately, or because too many wait for it. The error tells nothing of what was asked.
   */
  request(request: WebRequest): Promise<{ readonly status: number; readonly body: string }>;
}

/** An exchange of RabbitMQ. */
export interface BrokerExchange {
  readonly name: string;
  readonly type: string;
  readonly isDurable: boolean;
}

export interface MessageBroker {
  /** Declares an exchange, now and on every new connection, as long as the module runs. */
  declare(exchange: BrokerExchange): void;
  /**
   * Sends a message, now or when that is possible; nothing is waited for. While RabbitMQ does not take messages, so many wait as the pool says, and then the
   * oldest are dropped, which is counted. Those of one routing key (at most 255 bytes) keep their order.
   */
  publish(message: {
    readonly exchange: string;
    readonly routingKey: string;
    readonly content: Buffer;
  }): void;
}
