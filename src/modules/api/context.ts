import type { Logger } from '../../observe/log.ts';
import type { Registrations } from './registrations.ts';
import type { RoutingApi } from './routing.ts';
import type { ServicesApi } from './services.ts';
import type { SessionsApi } from './sessions.ts';

/** What a module is given when it is started. */
export interface ModuleContext<Options = unknown>
  extends Registrations,
    RoutingApi,
    SessionsApi,
    ServicesApi {
  readonly module: string;
  readonly options: Options;
  readonly hostType: string;
  /** The domains of the host type. */
  readonly hosts: readonly string[];
  /** The number of the shard that this instance runs in. */
  readonly shard: number;
  readonly log: Logger;
  /** Name and version of this server. */
  readonly product: { readonly name: string; readonly version: string };
  /** `general.registration_timeout` in milliseconds. */
  readonly registrationTimeoutMs: number;
}
