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
  partitions: option(z.int().min(1).max(16).default(1), {
    about:
      'Files that the archive of messages (mod_mam) is in, each with a thread that writes it; 1 to 16. The first one is the database itself. It may be changed: messages ' +
      'that are there stay where they are, and are found. [operations.md](operations.md#partitions) says when more than one is of use.',
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
