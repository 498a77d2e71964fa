import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** The client's side of SCRAM-SHA-1, as cheap as it can be: the same password and salt are derived once. */

const derived = new Map<string, { clientKey: Buffer; storedKey: Buffer }>();

function keys(password: string, salt: string, iterations: number): { clientKey: Buffer; storedKey: Buffer } {
  const name = `${password} ${salt} ${iterations}`;
  let known = derived.get(name);
  if (known === undefined) {
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, 20, 'sha1');
    const clientKey = createHmac('sha1', salted).update('Client Key').digest();
    known = { clientKey, storedKey: createHash('sha1').update(clientKey).digest() };
    derived.set(name, known);
  }
  return known;
}

export class ScramClient {
  readonly #bare: string;
  readonly #password: string;

  constructor(username: string, password: string) {
    this.#bare = `n=${username},r=${randomBytes(12).toString('base64')}`;
    this.#password = password;
  }

  /** The content of `<auth/>`. */
  first(): string {
    return Buffer.from(`n,,${this.#bare}`).toString('base64');
  }

  /** The content of `<response/>` to a challenge. */
  final(challenge: string): string {
    const serverFirst = Buffer.from(challenge, 'base64').toString();
    const fields = new Map(serverFirst.split(',').map((field) => [field[0]!, field.slice(2)]));
    const { clientKey, storedKey } = keys(this.#password, fields.get('s')!, Number(fields.get('i')));
    const withoutProof = `c=biws,r=${fields.get('r')}`;
    const signature = createHmac('sha1', storedKey)
      .update(`${this.#bare},${serverFirst},${withoutProof}`)
      .digest();
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!));
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`).toString('base64');
  }
}
