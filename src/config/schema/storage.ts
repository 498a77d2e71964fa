import { z } from 'zod';
import { option } from '../option.ts';
import { text } from '../values.ts';

/** `[storage]` */
export const storageSchema = z.object({
  directory: option(text().default('./data'), {
    about:
      'Where databases, the self-signed certificate and the admin socket are. `--data` and `MEERKAT_DATA` override it.',
    reload: 'restart',
  }),
  durability: option(z.enum(['full', 'normal']).default('full'), {
    about:
      '`"full"`: what was acknowledged survives a power cut. `"normal"`: it survives a crash of the process, but the last ' +
      'moments before a power cut may be lost; writes are cheaper.',
    reload: 'restart',
  }),
});

/** `[admin]` */
export const adminSchema = z.object({
  socket: option(text().optional(), {
    about: 'The Unix socket of the `meerkat` command. Whoever may write to it rules the server.',
    defaultText: '`meerkat.sock` in the storage directory',
    reload: 'restart',
  }),
});
