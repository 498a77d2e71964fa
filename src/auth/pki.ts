import { ForeignMethod } from './foreign.ts';
import type { MechanismKind } from './sasl/catalogue.ts';

/**
 * Whoever holds a certificate that TLS accepts and that names an account (`auth.sasl_external`) is that account: the authority behind the
 * certificates keeps the list of users, and every name may be on it.
 */
export class PkiMethod extends ForeignMethod {
  readonly name = 'pki';

  supports(kind: MechanismKind): boolean {
    return kind === 'external';
  }

  override async acceptsCertificate(): Promise<boolean> {
    return true;
  }

  async doesUserExist(): Promise<boolean> {
    return true;
  }
}
