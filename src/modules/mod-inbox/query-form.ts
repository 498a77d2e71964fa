import {
  blankForm,
  type Element,
  type InboxPlace,
  NS_DATA_FORMS,
  NS_INBOX,
  pageRequest,
  parseStamp,
  StanzaError,
  submittedFields,
  Element as XmlElement,
} from '../module.ts';

/** What a client wants to see of its inbox. */
export interface InboxRequest {
  readonly above: InboxPlace;
  readonly below: InboxPlace;
  /** Null: all but the bin. */
  readonly box: string | null;
  readonly isUnreadOnly: boolean;
  readonly isAscending: boolean;
  readonly limit: number;
  /** The page ends where the place before it begins: its last `limit` conversations are wanted. */
  readonly isBackward: boolean;
  /** The client asked for pages (XEP-0059). */
  readonly isPaged: boolean;
}

/** Later than anything. */
const NEVER: InboxPlace = [Number.MAX_SAFE_INTEGER, ''];
const ALWAYS: InboxPlace = [-1, ''];

interface Filter {
  above: InboxPlace;
  below: InboxPlace;
  box: string | null;
  isUnreadOnly: boolean;
  isAscending: boolean;
}

/** The form that says what can be asked for. */
export function inboxForm(boxes: readonly string[]): Element {
  const option = (value: string, label: string): Element => {
    const child = XmlElement.of('value', NS_DATA_FORMS, {}, value);
    return XmlElement.of('option', NS_DATA_FORMS, { label }, child);
  };
  const form = blankForm(NS_INBOX, 'Inbox', 'Which conversations are wanted', [
    { name: 'start', type: 'text-single', values: [] },
    { name: 'end', type: 'text-single', values: [] },
    { name: 'hidden_read', type: 'text-single', values: ['false'] },
    { name: 'order', type: 'list-single', values: ['desc'] },
    { name: 'box', type: 'list-single', values: ['all'] },
    { name: 'archive', type: 'boolean', values: [] },
  ]);
  for (const field of form.elements()) {
    const name = field.attribute('var');
    if (name === 'order') {
      field.children.push(option('asc', 'Ascending by timestamp'), option('desc', 'Descending by timestamp'));
    } else if (name === 'box') field.children.push(...['all', ...boxes].map((box) => option(box, box)));
  }
  return XmlElement.of('query', NS_INBOX, {}, form);
}

/** Reads `<inbox/>`: its form, which may be missing, and its pages. What is wrong is an error. */
export function inboxRequest(
  inbox: Element,
  boxes: readonly string[],
  limitMax: number,
): InboxRequest | StanzaError {
  const filter: Filter = { above: ALWAYS, below: NEVER, box: null, isUnreadOnly: false, isAscending: false };
  const form = inbox.child('x', NS_DATA_FORMS);
  const problem = form === undefined ? undefined : readForm(form, filter, boxes);
  return problem ?? withPages(inbox, filter, limitMax);
}

function readForm(form: Element, filter: Filter, boxes: readonly string[]): StanzaError | undefined {
  // There are clients that send the form in the type that they got it in.
  const type = form.attribute('type');
  if (type !== undefined && type !== 'submit' && type !== 'form') {
    return new StanzaError('bad-request', 'The form is not a submitted one');
  }
  const submitted = new XmlElement(form.name, form.ns, new Map([['type', 'submit']]), form.children);
  let box: string | undefined;
  for (const [name, [value = '']] of submittedFields(submitted)!) {
    const isValid = readField(name, value, filter, boxes);
    if (isValid === undefined) {
      return new StanzaError('bad-request', `Unknown inbox form field, field=${name}, value=${value}`);
    }
    if (!isValid) {
      return new StanzaError('bad-request', `Invalid inbox form field value, field=${name}, value=${value}`);
    }
    if (name === 'box') box = value;
  }
  // The older field counts only without the newer one.
  if (box !== undefined) filter.box = box === 'all' ? null : box;
  return undefined;
}

/** Whether a field's value is valid; undefined when there is no such field. */
function readField(
  name: string,
  value: string,
  filter: Filter,
  boxes: readonly string[],
): boolean | undefined {
  switch (name) {
    case 'FORM_TYPE':
      return value === NS_INBOX;
    case 'start':
    case 'end': {
      const time = parseStamp(value);
      if (time === undefined) return false;
      if (name === 'start') filter.above = [time, ''];
      else filter.below = [time + 1, ''];
      return true;
    }
    case 'order':
      filter.isAscending = value === 'asc';
      return value === 'asc' || value === 'desc';
    case 'hidden_read':
      filter.isUnreadOnly = isTrue(value);
      return isBoolean(value);
    case 'archive':
      filter.box = isTrue(value) ? 'archive' : 'inbox';
      return isBoolean(value);
    case 'box':
      return value === 'all' || boxes.includes(value);
    default:
      return undefined;
  }
}

function isTrue(value: string): boolean {
  return value === 'true' || value === '1';
}

function isBoolean(value: string): boolean {
  return isTrue(value) || value === 'false' || value === '0';
}

function withPages(inbox: Element, filter: Filter, limitMax: number): InboxRequest | StanzaError {
  const page = pageRequest(inbox);
  if (page === undefined) return { ...filter, limit: limitMax, isBackward: false, isPaged: false };
  if (page === 'invalid') return new StanzaError('bad-request', 'A number of the page is none');
  if (page.index !== undefined) {
    return new StanzaError('feature-not-implemented', 'Pages of an inbox have no numbers');
  }
  const after = page.after === undefined || page.after === '' ? undefined : placeOf(page.after);
  const before = page.before === undefined || page.before === '' ? undefined : placeOf(page.before);
  if (after === null || before === null)
    return new StanzaError('bad-request', 'That is no place in an inbox');
  const { isAscending } = filter;
  // What a page begins behind, or ends before, counts in place of the form's time on that side.
  const above = (isAscending ? after : before) ?? filter.above;
  const below = (isAscending ? before : after) ?? filter.below;
  const limit = Math.min(page.max ?? limitMax, limitMax);
  return { ...filter, above, below, limit, isBackward: page.before !== undefined, isPaged: true };
}

/** How clients name a place in an inbox. */
export function placeId(timestamp: number, peer: string): string {
  return Buffer.from(`${timestamp}/${peer}`).toString('base64');
}

function placeOf(id: string): InboxPlace | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(id)) return null;
  const match = /^(\d{1,16})\/(.+)$/s.exec(Buffer.from(id, 'base64').toString());
  return match === null || !Number.isSafeInteger(Number(match[1])) ? null : [Number(match[1]), match[2]!];
}
