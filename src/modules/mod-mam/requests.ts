import {
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  StanzaError,
  StoreUnavailableError,
} from '../module.ts';
import { queryForm } from './form.ts';
import type { Lookups } from './lookups.ts';
import type { PmOptions } from './options.ts';
import type { PrefsRequests } from './prefs-requests.ts';
import type { Shapers } from './shapers.ts';

type Rule = 'mam_lookup_messages' | 'mam_get_prefs' | 'mam_set_prefs';

export interface RequestParts {
  readonly options: PmOptions;
  readonly lookups: Lookups;
  readonly prefs: PrefsRequests;
  readonly shapers: Shapers;
}

/** Requests to archives of users: who may make them, how often, and who answers. */
export class Requests {
  readonly #context: ModuleContext;
  readonly #parts: RequestParts;

  constructor(context: ModuleContext, parts: RequestParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Answers a request. To strangers all accounts look alike, whether they exist or not (threat T68). */
  async handle(request: IqRequest): Promise<IqAnswer> {
    const { type, payload, from, to } = request;
    const rule = ruleOf(`${type} ${payload.name}`);
    if (rule === undefined) return new StanzaError('bad-request');
    if (!this.#mayAsk(rule, request)) return new StanzaError('not-allowed', 'Action is not allowed');
    if (!(await this.#parts.shapers.takeTurn(rule, from, to.domain))) {
      return new StanzaError('resource-constraint', 'Too many requests to the archive');
    }
    try {
      return await this.#answer(request);
    } catch (cause) {
      if (cause instanceof StanzaError) return cause;
      if (!(cause instanceof StoreUnavailableError)) throw cause;
      this.#context.log.warn(
        { err: cause, what: 'mam_request_failed', user: from.full },
        'the archive is silent',
      );
      return new StanzaError('service-unavailable', 'The archive does not answer');
    }
  }

  /** A rule that is not there, or that says `default`, gives everybody his own archive. */
  #mayAsk(rule: Rule, { from, to }: IqRequest): boolean {
    const value = this.#context.access(rule, from, to.domain, 'default');
    return value === 'allow' || (value === 'default' && from.bare === to.bare);
  }

  #answer(request: IqRequest): IqAnswer | Promise<IqAnswer> {
    const { type, payload } = request;
    const { options, lookups, prefs } = this.#parts;
    switch (payload.name) {
      case 'query':
        return type === 'get' ? queryForm(payload.ns, options) : lookups.query(request);
      case 'metadata':
        return lookups.metadata(request);
      default:
        return type === 'get' ? prefs.get(request) : prefs.set(request);
    }
  }
}

function ruleOf(request: string): Rule | undefined {
  switch (request) {
    case 'get query':
    case 'set query':
    case 'get metadata':
      return 'mam_lookup_messages';
    case 'get prefs':
      return 'mam_get_prefs';
    case 'set prefs':
      return 'mam_set_prefs';
    default:
      return undefined;
  }
}
