import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Acceptor } from '../../../src/acceptor/acceptor.ts';
import type { ConnectionLimitSettings } from '../../../src/acceptor/connection-limits.ts';
import type { Logger } from '../../../src/observe/log.ts';

const NONE: ConnectionLimitSettings = {
  connectionsMax: Number.POSITIVE_INFINITY,
  perAddressMax: Number.POSITIVE_INFINITY,
  perSecondMax: Number.POSITIVE_INFINITY,
};

let nowMs: number;
let logged: Record<string, unknown>[];
let handedOver: Socket[];
let takesOver: boolean;
let acceptor: Acceptor;
let clients: Socket[];
let changed: (() => void) | undefined;

beforeEach(() => {
  nowMs = 1_000_000;
  logged = [];
  handedOver = [];
  takesOver = true;
  clients = [];
});

afterEach(() => {
  for (const socket of [...clients, ...handedOver]) socket.destroy();
  acceptor.close();
});

async function listen(settings: Partial<ConnectionLimitSettings>): Promise<number> {
  const note = (fields: Record<string, unknown>): void => {
    logged.push(fields);
  };
  acceptor = new Acceptor(
    { host: '127.0.0.1', port: 0, backlog: 16, isIpv6Only: false },
    { ...NONE, ...settings },
    {
      log: { warn: note, error: note } as unknown as Logger,
      nowMs: () => nowMs,
      handOver: (socket) => {
        if (takesOver) handedOver.push(socket);
        changed?.();
        return takesOver;
      },
    },
  );
  return (await acceptor.listen()).port;
}

/** Connects; resolves to whether the acceptor kept the connection. */
async function knock(port: number): Promise<boolean> {
  const before = handedOver.length;
  const socket = connect(port, '127.0.0.1');
  clients.push(socket);
  socket.on('error', () => {});
  socket.resume();
  return await new Promise((resolve) => {
    changed = () => resolve(handedOver.length > before);
    socket.once('close', () => resolve(false));
  });
}

describe('an acceptor', () => {
  it('hands a connection over without reading a byte of it', async () => {
    const port = await listen({});
    expect(await knock(port)).toBe(true);
    clients[0]!.write('<stream:stream>');
    const bytes = await new Promise<string>((resolve) => {
      handedOver[0]!.once('data', (data) => resolve(data.toString()));
      handedOver[0]!.resume();
    });
    expect(bytes).toBe('<stream:stream>');
    expect(acceptor.connections).toBe(1);
  });

  it('closes what is over a limit, counts it by reason, and takes the next when one has ended', async () => {
    const port = await listen({ perAddressMax: 2 });
    expect([await knock(port), await knock(port), await knock(port)]).toEqual([true, true, false]);
    expect(acceptor.refused).toEqual({ total: 0, address: 1, prefix: 0, rate: 0, overload: 0 });
    acceptor.released('127.0.0.1');
    expect(await knock(port)).toBe(true);
    acceptor.setLimits({ ...NONE, connectionsMax: 1 });
    expect(await knock(port)).toBe(false);
    expect(acceptor.refused.total).toBe(1);
  });

  it('limits how fast one address may come', async () => {
    const port = await listen({ perSecondMax: 2 });
    expect([await knock(port), await knock(port), await knock(port)]).toEqual([true, true, false]);
    nowMs += 500;
    expect([await knock(port), await knock(port)]).toEqual([true, false]);
    expect(acceptor.refused.rate).toBe(2);
  });

  it('closes connections that nobody can take, and does not count them as there', async () => {
    const port = await listen({ connectionsMax: 1 });
    takesOver = false;
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) =>
      socket
        .on('error', () => {})
        .once('close', resolve)
        .resume(),
    );
    expect(acceptor.refused.overload).toBe(1);
    expect(acceptor.connections).toBe(0);
    takesOver = true;
    expect(await knock(port)).toBe(true);
  });

  it('writes one log line a second about refusals, with their number', async () => {
    const port = await listen({ connectionsMax: 0 });
    for (let i = 0; i < 5; i++) await knock(port);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ what: 'connection_refused', reason: 'total', address: '127.0.0.1' });
    nowMs += 1_000;
    await knock(port);
    expect(logged).toHaveLength(2);
    expect(logged[1]).toMatchObject({ count: 5 });
  });

  it('says why it cannot listen', async () => {
    const port = await listen({});
    const second = new Acceptor({ host: '127.0.0.1', port, backlog: 1, isIpv6Only: false }, NONE, {
      log: { warn: () => {}, error: () => {} } as unknown as Logger,
      nowMs: () => nowMs,
      handOver: () => false,
    });
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
