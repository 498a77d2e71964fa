import type { CertificateConfig, Config, ListenerConfig } from '../config/config.ts';
import type { Logger } from '../observe/log.ts';
import { serverSecret } from './secret.ts';
import { makeSelfSigned, selfSignedFiles } from './self-signed.ts';

/** What the first start makes in the storage directory, for all later ones. */
export interface MadeFiles {
  /** Key for answers about accounts that do not exist. */
  readonly secret: Buffer;
  /** The certificate of listeners that have none: where it is, or would be. */
  readonly selfSigned: CertificateConfig;
}

/**
 * Makes what is missing of {@link MadeFiles}: the certificate only if a listener of `config` needs it. `known` is what was made before: a secret never changes while
 * the server runs.
 */
export async function makeFiles(
  { storage, listen, hosts }: Config,
  log: Logger,
  known: MadeFiles | undefined,
): Promise<MadeFiles> {
  const { directory } = storage;
  const secret = known?.secret ?? serverSecret(directory);
  const selfSigned = selfSignedFiles(directory);
  const listeners: readonly ListenerConfig[] = [...listen.c2s, ...listen.http];
  const isNeeded = listeners.some(({ tls }) => tls !== undefined && tls.certificate === undefined);
  if (isNeeded && (await makeSelfSigned(directory, [...hosts.keys()]))) {
    log.warn(
      { what: 'self_signed_certificate', file: selfSigned.certfile },
      'made a self-signed certificate: clients will warn; configure a real one for anything but trying out',
    );
  }
  return { secret, selfSigned };
}
