import { z } from 'zod';
import { option } from '../option.ts';
import { certificateDomain, nameFrom, text } from '../values.ts';

const passwordOptions = () => ({
  password: option(text().optional(), {
    about: 'The passphrase of the key file. `password_file` keeps it out of this file.',
    reload: 'new connections',
    secret: true,
  }),
  password_file: option(text().optional(), {
    about: 'A file that holds the passphrase; white space around it is removed.',
    reload: 'new connections',
  }),
});

const certfileMeta = {
  about:
    'The certificate with its chain, in PEM. Without one, a self-signed certificate is made at the first start.',
  reload: 'new connections',
} as const;

const certificateSchema = z.object({
  domain: option(certificateDomain(), {
    about: 'The name that the client asks for (SNI). `*.` before it stands for one label.',
    reload: 'new connections',
  }),
  certfile: option(text(), { ...certfileMeta, about: 'The certificate with its chain, in PEM.' }),
  keyfile: option(text(), { about: 'Its private key, in PEM.', reload: 'new connections' }),
  ...passwordOptions(),
});

/** What TLS of XMPP and of HTTP listeners has in common. */
const tlsOptions = {
  verify_mode: option(z.enum(['peer', 'selfsigned_peer', 'none']).default('none'), {
    about:
      'Whether a certificate of the client is asked for and checked: `"peer"` against the authorities of `cacertfile`, ' +
      '`"selfsigned_peer"` also one signed by itself. MongooseIM defaults to `"peer"`; here clients prove who they are by SASL, ' +
      'so nobody is asked for a certificate unless this says so.',
    reload: 'new connections',
  }),
  certfile: option(text().optional(), certfileMeta),
  keyfile: option(text().optional(), {
    about: 'The private key of `certfile`, in PEM. One is not accepted without the other.',
    reload: 'new connections',
  }),
  ...passwordOptions(),
  cacertfile: option(text().optional(), {
    about: 'Authorities that may sign certificates of clients, in PEM.',
    defaultText: 'those of the system',
    reload: 'new connections',
  }),
  ciphers: option(text().optional(), {
    about: 'Cipher suites in OpenSSL’s notation.',
    defaultText: 'those of Node.js',
    reload: 'new connections',
  }),
  versions: option(
    z
      .array(nameFrom(['tlsv1.2', 'tlsv1.3'], ['sslv3', 'tlsv1', 'tlsv1.1']))
      .min(1)
      .default(['tlsv1.2', 'tlsv1.3']),
    {
      about:
        'Versions of TLS that are offered. Older ones are unsafe (RFC 8996) and left out even when named.',
      reload: 'new connections',
    },
  ),
  certificate: option(z.array(certificateSchema).default([]), {
    about:
      'Further certificates, for single domains: one `[[listen.c2s.tls.certificate]]` each. `certfile` serves all other names.',
    reload: 'new connections',
  }),
};

/** `[listen.c2s.tls]` */
export const c2sTlsSchema = z.object({
  mode: option(z.enum(['starttls', 'starttls_required', 'tls']).default('starttls'), {
    about:
      '`"starttls"` offers encryption on a connection that begins plain, `"starttls_required"` offers nothing else until then, ' +
      '`"tls"` encrypts from the first byte.',
    reload: 'new connections',
  }),
  disconnect_on_failure: option(z.boolean().default(true), {
    about:
      'Whether a client without a valid certificate is cut off, where `verify_mode` asks for one. If not, it may log in by other means than its ' +
      'certificate.',
    reload: 'new connections',
  }),
  crl_files: option(z.array(text()).min(1).optional(), {
    about:
      'Lists of revoked certificates, in PEM. With one, every authority in `cacertfile` needs its list. They are read again at every reload.',
    reload: 'new connections',
  }),
  ...tlsOptions,
});

/** `[listen.http.tls]` */
export const httpTlsSchema = z.object(tlsOptions);
