import { z } from '../module.ts';

const DEFAULT_CALLBACK = 'mod_event_pusher_http_defaults';

const handlerSchema = z.strictObject({
  pool_name: z.string().min(1).default('http_pool').describe('The `[outgoing_pools.http.…]` to send by.'),
  path: z
    .string()
    .regex(/^[^?#\s]*$/, { error: 'a path has no spaces, and neither ? nor #' })
    .default('')
    .describe('What comes after the `path_prefix` of the pool. A slash before it does not count.'),
  callback_module: z
    .string()
    .refine((name) => name === DEFAULT_CALLBACK, {
      error: `expected "${DEFAULT_CALLBACK}": what else to send is decided by a module of your own, on the hook push_event`,
    })
    .optional()
    .describe('Read, without effect.'),
});

const httpSchema = z.strictObject({
  handlers: z
    .array(handlerSchema)
    .min(1)
    .max(16)
    .describe('Whom to tell of messages that users send: each of them, of each message.'),
});

const TYPES = ['topic', 'fanout', 'direct', 'headers'] as const;

function exchange(name: string) {
  return {
    name: z.string().min(1).max(127).default(name).describe('Its name.'),
    type: z.enum(TYPES).default('topic').describe('Its type.'),
    durable: z.boolean().default(false).describe('Whether it outlives RabbitMQ.'),
  };
}

function messageExchange(name: string) {
  return z.strictObject({
    ...exchange(name),
    sent_topic: z
      .string()
      .min(1)
      .max(127)
      .default(`${name}_sent`)
      .describe('Behind the sender’s address in the routing key of a message that was sent.'),
    recv_topic: z
      .string()
      .min(1)
      .max(127)
      .default(`${name}_recv`)
      .describe('Behind the recipient’s address in that of a message that is being delivered.'),
  });
}

const rabbitSchema = z.strictObject({
  presence_exchange: z
    .strictObject(exchange('presence'))
    .optional()
    .describe('Who comes and goes. Without this section it is not told.'),
  chat_msg_exchange: messageExchange('chat_msg').optional().describe('Messages of type `chat`.'),
  groupchat_msg_exchange: messageExchange('groupchat_msg')
    .optional()
    .describe('Messages of type `groupchat`.'),
});

/** The names of MongooseIM's own modules stand for the same. */
const PLUGIN_PREFIX = 'mod_event_pusher_push_plugin_';
const PLUGINS = ['defaults', 'enhanced', 'hints'] as const;
const LONG_PLUGINS = [
  `${PLUGIN_PREFIX}defaults`,
  `${PLUGIN_PREFIX}enhanced`,
  `${PLUGIN_PREFIX}hints`,
] as const;

export type PluginName = (typeof PLUGINS)[number];

const pushSchema = z.strictObject({
  plugin_module: z
    .enum([...PLUGINS, ...LONG_PLUGINS])
    .default('defaults')
    .transform((name) => name.replace(PLUGIN_PREFIX, '') as PluginName)
    .describe(
      'What notifications are sent for. `"defaults"`: messages with a text to users who are not there. `"enhanced"`: also what a client that lost its connection has not acknowledged. `"hints"`: also calls.',
    ),
  virtual_pubsub_hosts: z
    .array(z.string().min(1))
    .max(16)
    .default([])
    .describe(
      'Domains whose push services are a module of this server, as mod_push_service_mongoosepush; `@HOST@` stands for the domain of the user.',
    ),
  include_body: z
    .boolean()
    .default(false)
    .describe(
      'Whether notifications carry the text of the message. The operator of the push service can read it.',
    ),
  max_nodes_per_user: z
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .describe('How many nodes of push services a user may have.'),
  max_errors_in_a_row: z
    .int()
    .min(1)
    .max(10_000)
    .default(20)
    .describe('So many errors that may pass, one after another, end the registration of a node.'),
  error_period: z
    .int()
    .min(0)
    .max(31_536_000)
    .default(86_400)
    .describe('But not before so many seconds have gone by since the first of them.'),
  wpool: z
    .strictObject({
      workers: z
        .int()
        .min(1)
        .max(1000)
        .default(10)
        .describe('Messages whose notifications each shard makes at once.'),
    })
    .prefault({})
    .describe('How notifications are made.'),
});

export const optionsSchema = z.strictObject({
  http: httpSchema.optional().describe('Messages that users send go to a web service.'),
  push: pushSchema.optional().describe('Push notifications (XEP-0357).'),
  rabbit: rabbitSchema
    .optional()
    .describe('Events go to RabbitMQ: the pool `[outgoing_pools.rabbit.event_pusher]`.'),
});

export type EventPusherOptions = z.output<typeof optionsSchema>;
export type HttpHandlerOptions = z.output<typeof handlerSchema>;
export type RabbitOptions = z.output<typeof rabbitSchema>;
export type MessageExchange = z.output<ReturnType<typeof messageExchange>>;
export type PushOptions = z.output<typeof pushSchema>;
