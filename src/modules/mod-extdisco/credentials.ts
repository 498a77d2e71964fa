import { createHmac } from 'node:crypto';

/** How long generated credentials are good for, in seconds. */
export const LIFETIME_SECONDS = 3_600;

/** Name and password for a while. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * Credentials that the service can check itself, because it knows the secret, too: the way that TURN servers know as `use-auth-secret`.
 * `expires` is in seconds since the epoch.
 */
export function credentialsFor(secret: string, user: string, expires: number): Credentials {
  const username = `${expires}:${user}`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}
