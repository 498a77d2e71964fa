import saslprep from '@mongodb-js/saslprep';

/** Longer passwords are refused: PBKDF2 gains nothing from them, and preparing one takes time that grows with it. */
export const PASSWORD_BYTES_MAX = 1024;

/**
 * Prepares a password for PBKDF2: SASLprep (RFC 4013), as RFC 5802 §2.2 wants it. Undefined for a password that must be refused:
 * empty, longer than {@link PASSWORD_BYTES_MAX}, not well-formed Unicode, or left empty by the preparation.
 *
 * Two deviations, both towards what clients do, and both the same at registration and at login:
 * - Code points that Unicode 3.2 did not know are let through (RFC 4013 forbids them in stored strings): an emoji in a
 *   password is common, and an account that can be made but never entered helps nobody.
 * - What SASLprep prohibits (control and private-use characters, mixed directions) is taken as it is, in UTF-8. A client without
 *   SASLprep computes just that, and one with it refuses the password by itself. No two passwords meet by this rule: what
 *   SASLprep returns is never a string that it prohibits.
 */
export function preparePassword(password: string): string | undefined {
  if (password.length === 0 || password.length > PASSWORD_BYTES_MAX) return undefined;
  if (isPrintableAscii(password)) return password;
  if (!password.isWellFormed() || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return undefined;
  // A letter in front shows whether anything is left of the rest (the library trips over an empty result).
  if (normalize(`a${password}`) === 'a') return undefined;
  return normalize(password) ?? password;
}

function normalize(text: string): string | undefined {
  try {
    return saslprep(text, { allowUnassigned: true });
  } catch {
    return undefined;
  }
}

function isPrintableAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}
