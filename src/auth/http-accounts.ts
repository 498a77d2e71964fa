import { X509Certificate } from 'node:crypto';
import { type AccountStore, type StoredPassword, StoreUnavailable } from './account-store.ts';
import { SCRAM_TEXT_PREFIXES } from './scram-text.ts';

export interface HttpApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** A web service with MongooseIM's paths. Implemented in `outgoing/`; rejects when there is no answer. */
export interface HttpApi {
  /** Fields go into the query of a GET, and into the form of a POST. */
  request(
    method: 'GET' | 'POST',
    path: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<HttpApiAnswer>;
}

/** The service does not want the account. */
export class RegistrationRefused extends Error {
  override readonly name = 'RegistrationRefused';
}

/** Certificates of one account that are looked at. */
const CERTIFICATES_MAX = 16;

/** Accounts in a web service. Every answer that is none of those agreed on rejects: nothing is known then. */
export class HttpAccounts implements AccountStore {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** Whether the service takes the password: `check_password`. */
  checkPassword(domain: string, username: string, password: string): Promise<boolean> {
    return this.#truth('check_password', { user: username, server: domain, pass: password });
  }

  async get(domain: string, username: string): Promise<StoredPassword | undefined> {
    const text = await this.#text('get_password', domain, username);
    if (text === undefined) return undefined;
    const isScram = SCRAM_TEXT_PREFIXES.some((prefix) => text.startsWith(prefix));
    return isScram ? { password: '', details: text } : { password: text, details: undefined };
  }

  exists(domain: string, username: string): Promise<boolean> {
    return this.#truth('user_exists', { user: username, server: domain });
  }

  async insert(domain: string, username: string, password: StoredPassword): Promise<boolean> {
    const fields = { user: username, server: domain, pass: password.details ?? password.password };
    const { status } = await this.#api.request('POST', 'register', fields);
    if (status === 201) return true;
    if (status === 409) return false;
    if (status >= 400 && status < 500) throw new RegistrationRefused(`status ${status}`);
    throw unexpected('register', status);
  }

  async update(domain: string, username: string, password: StoredPassword): Promise<boolean> {
    const fields = { user: username, server: domain, pass: password.details ?? password.password };
    return await this.#change('set_password', fields);
  }

  remove(domain: string, username: string): Promise<boolean> {
    return this.#change('remove_user', { user: username, server: domain });
  }

  /** Whether the service has this certificate (DER) for the account: `get_certs`, in PEM. */
  async hasCertificate(domain: string, username: string, certificate: Uint8Array): Promise<boolean> {
    const text = await this.#text('get_certs', domain, username);
    const blocks = text?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return blocks.slice(0, CERTIFICATES_MAX).some((pem) => {
      try {
        return new X509Certificate(pem).raw.equals(certificate);
      } catch {
        return false;
      }
    });
  }

  /** The service has its own domains. */
  async removeDomain(): Promise<void> {}

  async list(): Promise<readonly string[]> {
    return [];
  }

  async count(): Promise<number> {
    return 0;
  }

  async #truth(path: string, fields: Readonly<Record<string, string>>): Promise<boolean> {
    const { status, body } = await this.#api.request('GET', path, fields);
    if (status === 404) return false;
    const word = body.trim();
    if (status !== 200 || (word !== 'true' && word !== 'false')) throw unexpected(path, status);
    return word === 'true';
  }

  async #text(path: string, domain: string, username: string): Promise<string | undefined> {
    const { status, body } = await this.#api.request('GET', path, { user: username, server: domain });
    if (status === 404 || status === 204) return undefined;
    if (status !== 200) throw unexpected(path, status);
    // The end of a line belongs to whoever wrote the answer, all else may be a password's.
    const text = body.replace(/\r?\n$/, '');
    return text.length === 0 ? undefined : text;
  }

  async #change(path: string, fields: Readonly<Record<string, string>>): Promise<boolean> {
    const { status } = await this.#api.request('POST', path, fields);
    if (status === 200 || status === 201 || status === 204) return true;
    if (status === 404 || status === 403) return false;
    throw unexpected(path, status);
  }
}

/** Says nothing of what was asked or answered: both hold passwords. */
function unexpected(path: string, status: number): StoreUnavailable {
  return new StoreUnavailable(`${path} was answered with status ${status}, or in words not agreed on`);
}
