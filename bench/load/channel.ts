import { Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';

/** How a peer reaches the server. `tls` is encrypted from the first byte, with the keys that today's clients agree on, or with post-quantum ones. */
export type Channel = 'plain' | 'tls' | 'tls-post-quantum';

const CONTEXTS = {
  tls: createSecureContext({ ecdhCurve: 'X25519' }),
  'tls-post-quantum': createSecureContext({ ecdhCurve: 'X25519MLKEM768' }),
};

/** Where what is read goes, and who hears of it. */
export type OnRead = {
  readonly buffer: Buffer;
  readonly callback: (length: number, buffer: Uint8Array) => boolean;
};

/** Connects to this machine. */
export function connectBy(channel: Channel, port: number, onread: OnRead): Socket {
  return channel === 'plain' ? open(port, onread) : openTls(port, onread, CONTEXTS[channel]);
}

function open(port: number, onread: OnRead): Socket {
  const socket = new Socket({ onread } as ConstructorParameters<typeof Socket>[0]);
  socket.connect({ port, host: '127.0.0.1' });
  return socket;
}

/** The certificate is the server's own, signed by itself: what it costs to check it is not what is measured. */
function openTls(port: number, onread: OnRead, secureContext: SecureContext): Socket {
  const options = {
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ALPNProtocols: ['xmpp-client'],
    rejectUnauthorized: false,
    secureContext,
    // The types know it for plain sockets only.
    onread,
  };
  return connect(options);
}
