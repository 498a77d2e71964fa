import { readFileSync } from 'node:fs';
import { defineModule, type SecretKey, z } from '../module.ts';

/** A limit of HKDF with SHA-512, from which keys in memory are made: 255 digests. */
const RAM_KEY_BYTES_MAX = 16_320;
/** A key is no place for a whole disk. */
const FILE_BYTES_MAX = 1_048_576;

/** The key in a file; undefined when there is none. */
function keyIn(path: string): Buffer | undefined {
  try {
    const key = readFileSync(path);
    return key.length > 0 && key.length <= FILE_BYTES_MAX ? key : undefined;
  } catch {
    return undefined;
  }
}

const keySchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('ram'),
    name: z.string().min(1).describe('What others ask for it by.'),
  }),
  z.strictObject({
    type: z.literal('file'),
    name: z.string().min(1).describe('What others ask for it by.'),
    path: z
      .string()
      .refine((path) => keyIn(path) !== undefined, {
        error: 'not a readable file that has between 1 byte and 1 MiB in it',
      })
      .describe(
        'The file whose bytes are the key, relative to the directory that the server was started in.',
      ),
  }),
]);

const optionsSchema = z.strictObject({
  ram_key_size: z
    .int()
    .min(16)
    .max(RAM_KEY_BYTES_MAX)
    .default(2_048)
    .describe('Bytes of the keys that are made at the start of the server and are gone with it.'),
  keys: z
    .array(keySchema)
    .default([])
    .refine((keys) => new Set(keys.map(({ name }) => name)).size === keys.length, {
      error: 'two keys have the same name',
    })
    .describe(
      'Keys: a name, a type (`"ram"`: made at the start; `"file"`: the content of a file) and for a file its path.',
    ),
});

export type KeystoreOptions = z.output<typeof optionsSchema>;

/** Keys that other modules sign with, by name. Each host type that configures this has keys of its own. */
export default defineModule<KeystoreOptions>({
  name: 'mod_keystore',
  options: optionsSchema,
  setup(context) {
    const keys = new Map<string, SecretKey>();
    for (const key of context.options.keys) {
      const secret =
        key.type === 'ram' ? context.sharedKey(key.name, context.options.ram_key_size) : keyIn(key.path);
      if (secret === undefined) throw new Error(`the key ${key.name} cannot be read`);
      keys.set(key.name, { id: { name: key.name, hostType: context.hostType }, secret });
    }
    context.hook('get_key', 50, (found, { keyId }) => {
      const key = keyId.hostType === context.hostType ? keys.get(keyId.name) : undefined;
      return key === undefined ? undefined : [...found, key];
    });
  },
});
