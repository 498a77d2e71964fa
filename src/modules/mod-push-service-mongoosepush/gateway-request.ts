import type { FlatForm } from '../module.ts';

/** What is shown where the summary has no text. */
const NO_TEXT = 'New message';

/** What comes out of the gateway. */
export type GatewayBody = Readonly<Record<string, unknown>>;

/**
 * The request to a gateway of MongoosePush's API (v2 and v3 alike) for a summary (XEP-0357) or a call, with the publish options of a registration. Options that say
 * nothing valid are left out.
 */
export function gatewayBody(form: FlatForm, options: FlatForm): GatewayBody {
  const body: Record<string, unknown> = { service: options['service'] };
  setIf(body, 'mode', options['mode'], ['prod', 'dev']);
  setIf(body, 'priority', options['priority'], ['normal', 'high']);
  if (options['topic'] !== undefined) body['topic'] = options['topic'];
  if (options['mutable_content'] === 'true') body['mutable_content'] = true;
  const seconds = number(options['time_to_live']);
  if (seconds !== undefined) body['time_to_live'] = seconds;
  if (options['silent'] === 'true') body['data'] = silentData(form);
  else body['alert'] = alert(form, options);
  return body;
}

function alert(form: FlatForm, options: FlatForm): GatewayBody {
  const sender = form['last-message-sender'] ?? form['message-sender'] ?? '';
  const shown: Record<string, unknown> = {
    body: form['last-message-body'] ?? NO_TEXT,
    title: sender,
    tag: sender,
    badge: number(form['message-count']) ?? 1,
  };
  if (options['click_action'] !== undefined) shown['click_action'] = options['click_action'];
  if (options['sound'] !== undefined) shown['sound'] = options['sound'];
  return shown;
}

function silentData(form: FlatForm): GatewayBody {
  const count = number(form['message-count']);
  const { FORM_TYPE: _, ...data } = form;
  return count === undefined ? data : { ...data, 'message-count': count };
}

function setIf(
  body: Record<string, unknown>,
  name: string,
  value: string | undefined,
  allowed: readonly string[],
): void {
  if (value !== undefined && allowed.includes(value)) body[name] = value;
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
