import { createECDH, randomBytes } from 'node:crypto';

/** A ClientHello made by hand, with whatever in it: OpenSSL's own client would refuse to send most of this. */
export interface ClientHello {
  /** `server_name` (RFC 6066 §3); undefined leaves the extension out. */
  readonly serverName?: Uint8Array;
  /** `application_layer_protocol_negotiation` (RFC 7301). */
  readonly protocols?: readonly string[];
  /** Versions offered; 0x0304 is TLS 1.3. */
  readonly versions?: readonly number[];
}

function u16(n: number): Buffer {
  return Buffer.from([n >> 8, n & 0xff]);
}

function vector8(data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(data.length), data]);
}

function vector16(data: Uint8Array): Buffer {
  return Buffer.concat([u16(data.length), data]);
}

function extension(type: number, data: Uint8Array): Buffer {
  return Buffer.concat([u16(type), vector16(data)]);
}

/** The bytes of one TLS record with the message (RFC 8446 §4.1.2). */
export function clientHello({
  serverName,
  protocols,
  versions = [0x0304, 0x0303],
}: ClientHello = {}): Buffer {
  const ecdh = createECDH('prime256v1');
  const key = ecdh.generateKeys();
  const extensions: Buffer[] = [
    extension(10, vector16(u16(23))), // supported_groups: secp256r1
    extension(11, vector8(Buffer.of(0))), // ec_point_formats
    extension(13, vector16(Buffer.concat([0x0403, 0x0804, 0x0401].map(u16)))), // signature_algorithms
    extension(43, vector8(Buffer.concat(versions.map(u16)))), // supported_versions
    extension(51, vector16(Buffer.concat([u16(23), vector16(key)]))), // key_share
  ];
  if (serverName !== undefined) {
    extensions.push(extension(0, vector16(Buffer.concat([Buffer.of(0), vector16(serverName)]))));
  }
  if (protocols !== undefined) {
    const names = protocols.map((name) => vector8(Buffer.from(name, 'latin1')));
    extensions.push(extension(16, vector16(Buffer.concat(names))));
  }
  const body = Buffer.concat([
    u16(Math.min(0x0303, Math.max(...versions))),
    randomBytes(32),
    vector8(randomBytes(32)),
    vector16(Buffer.concat([0x1301, 0x1302, 0xc02b, 0xc02f, 0xc009, 0xc013, 0x00ff].map(u16))),
    vector8(Buffer.of(0)),
    vector16(Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.of(1, body.length >> 16), u16(body.length & 0xffff), body]);
  return Buffer.concat([Buffer.of(0x16, 3, 1), vector16(message)]);
}
