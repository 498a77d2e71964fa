import './no-native.ts';
import { Packr } from 'msgpackr';

/** Values that are kept rather than sent (permanent keys of stored messages, modules' own data), as msgpack. */
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true, copyBuffers: true });

/**
 * Encodes a value of plain data: strings, numbers, booleans, null, arrays, Maps, plain objects, Buffers. Keys that come from outside belong
 * into a Map: an object's key `__proto__` is renamed.
 */
export function encodeValue(value: unknown): Buffer {
  return packr.pack(value) as Buffer;
}

/** Decodes what {@link encodeValue} made. Nothing in it depends on `bytes` any more. */
export function decodeValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
