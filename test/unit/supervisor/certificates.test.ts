import { afterAll, describe, expect, it } from 'vitest';
import type { Config, TlsConfig } from '../../../src/config/config.ts';
import { checkCertificates } from '../../../src/supervisor/certificates.ts';
import { TestCertificates } from '../../helpers/certificates.ts';

const certificates = new TestCertificates();

afterAll(() => certificates.remove());

function configOf(tls: Partial<TlsConfig>): Config {
  const full: TlsConfig = {
    mode: 'tls',
    verifyMode: 'none',
    disconnectOnFailure: true,
    certificate: undefined,
    certificates: new Map(),
    cacertfile: undefined,
    crlFiles: [],
    ciphers: undefined,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ...tls,
  };
  return { listen: { c2s: [{ name: 'listen.c2s[0]', tls: full }], http: [] } } as unknown as Config;
}

function used(files: { certfile: string; keyfile: string }) {
  return { certfile: files.certfile, keyfile: files.keyfile, password: undefined };
}

describe('checkCertificates', () => {
  it('has nothing to say about an ordinary certificate', async () => {
    const certificate = used(await certificates.make('good.example'));
    expect(checkCertificates(configOf({ certificate }), undefined, Date.now())).toEqual({
      problems: [],
      warnings: [],
    });
  });

  it('finds all that cannot be used, those of single domains and the self-signed one included', async () => {
    const good = await certificates.make('one.example');
    const other = await certificates.make('two.example');
    const mixed = certificates.write('mixed', good.cert, other.key);
    const { problems } = checkCertificates(
      configOf({ certificates: new Map([['one.example', used(mixed)]]) }),
      { certfile: '/nonexistent.crt', keyfile: '/nonexistent.key', password: undefined },
      Date.now(),
    );
    expect(problems.map(({ file, isUnreadable }) => [file, isUnreadable])).toEqual([
      ['/nonexistent.crt', true],
      [mixed.certfile, false],
    ]);
  });

  it('finds ciphers and authorities that cannot be used', async () => {
    const certificate = used(await certificates.make('three.example'));
    const { problems } = checkCertificates(configOf({ certificate, ciphers: 'NOPE' }), undefined, Date.now());
    expect(problems).toHaveLength(1);
    const missing = configOf({ certificate, cacertfile: '/nonexistent.pem' });
    expect(checkCertificates(missing, undefined, Date.now()).problems[0]).toMatchObject({
      isUnreadable: true,
    });
  });

  it('warns about a key that few clients take', () => {
    const certificate = used(certificates.makeEd25519('rare.example'));
    const { problems, warnings } = checkCertificates(configOf({ certificate }), undefined, Date.now());
    expect(problems).toEqual([]);
    expect(warnings.map(({ text }) => text)).toEqual([
      'few clients take a key of the type ed25519; RSA or ECDSA serves all',
    ]);
  });

  it('warns about a certificate that has ended, and one that has not begun', () => {
    const certificate = used(certificates.makeEd25519('old.example', new Date('2020-02-02T00:00:00Z')));
    const at = (time: string): string[] =>
      checkCertificates(configOf({ certificate }), undefined, Date.parse(time)).warnings.map(
        ({ text }) => text,
      );
    expect(at('2020-02-02T00:00:00Z')).toEqual(['it ended on 2020-02-02']);
    expect(at('2020-02-01T23:59:59Z')).toEqual([expect.stringContaining('ed25519')]);
    expect(at('2019-01-01T00:00:00Z')).toEqual(['it is not valid before 2020-01-23']);
  });
});
