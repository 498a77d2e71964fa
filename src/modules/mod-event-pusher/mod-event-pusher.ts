import { defineModule, type ModuleContext } from '../module.ts';
import type { Backend, Interest } from './backend.ts';
import { Events } from './events.ts';
import { HttpBackend } from './http-backend.ts';
import { type EventPusherOptions, optionsSchema } from './options.ts';
import { PushBackend } from './push-backend.ts';
import { RabbitBackend } from './rabbit-backend.ts';

/**
 * Tells others of what happens here: web services, RabbitMQ, and push services for users who are not there (XEP-0357). Each has a queue with limits; no stanza waits for
 * any of them, and what is lost is counted.
 */
export default defineModule<EventPusherOptions>({
  name: 'mod_event_pusher',
  xeps: [{ number: 357, version: '0.4.1' }],
  options: optionsSchema,
  setup(context) {
    const interests = new Set<Interest>();
    const events = new Events(context, interests);
    for (const backend of backends(context, events)) {
      for (const interest of backend.interests) interests.add(interest);
      const hasEffects = { hasEffects: true };
      context.hook('push_event', 50, (around, { event }) => backend.event(event, around), hasEffects);
    }
    context.hook('filter_local_packet', 80, (acc) => events.message(acc, 'out'));
    context.hook('user_send_message', 90, (acc) => events.message(acc, 'in'));
    context.hook('user_available', 90, (acc, { jid }) => events.status(acc, jid, 'online'));
    context.hook('unset_presence', 90, (acc, { jid }) => events.status(acc, jid, 'offline'));
    context.hook('unacknowledged_message', 90, (acc, { jid }) => events.unacknowledged(acc, jid));
  },
});

function backends(context: ModuleContext<EventPusherOptions>, events: Events): Backend[] {
  const { http, push, rabbit } = context.options;
  const all: Backend[] = (http?.handlers ?? []).map((handler) => new HttpBackend(context, handler));
  if (push !== undefined) all.push(new PushBackend(context, push, events));
  if (rabbit !== undefined) all.push(new RabbitBackend(context, rabbit));
  return all;
}
