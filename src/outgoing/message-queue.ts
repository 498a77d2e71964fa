/** A message for an exchange. */
export interface RabbitMessage {
  readonly exchange: string;
  /** At most 255 bytes (AMQP 0-9-1 §4.2.5.3). */
  readonly routingKey: string;
  readonly content: Buffer;
}

/** What objects of one message take beside its content, roughly. */
const OVERHEAD_BYTES = 256;
/** Messages taken from the front before the array is made shorter. */
const SHIFT_AT = 256;

/** Messages that wait, the oldest first; of too many, or of too many bytes, the oldest are dropped. */
export class MessageQueue {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  #messages: RabbitMessage[] = [];
  #first = 0;
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#messages.length - this.#first;
  }

  /** Adds a message; `others` are under way already and count, too. Returns how many were dropped for it. */
  push(message: RabbitMessage, others = 0): number {
    this.#messages.push(message);
    this.#bytes += sizeOf(message);
    return this.#bound(others);
  }

  /** The oldest, which leaves the queue. */
  shift(): RabbitMessage | undefined {
    const message = this.#messages[this.#first];
    if (message === undefined) return undefined;
    this.#first++;
    this.#bytes -= sizeOf(message);
    if (this.#first >= SHIFT_AT || this.length === 0) {
      this.#messages.splice(0, this.#first);
      this.#first = 0;
    }
    return message;
  }

  /** Messages that are older than all that wait come before them. Returns how many were dropped. */
  putBack(messages: readonly RabbitMessage[]): number {
    this.#messages = [...messages, ...this.#messages.slice(this.#first)];
    this.#first = 0;
    this.#bytes = this.#messages.reduce((sum, message) => sum + sizeOf(message), 0);
    return this.#bound(0);
  }

  clear(): void {
    this.#messages = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  #bound(others: number): number {
    let dropped = 0;
    while (this.length > 0 && (this.length + others > this.#messagesMax || this.#bytes > this.#bytesMax)) {
      this.shift();
      dropped++;
    }
    return dropped;
  }
}

function sizeOf({ content }: RabbitMessage): number {
  return content.length + OVERHEAD_BYTES;
}
