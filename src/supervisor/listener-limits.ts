import type { ConnectionLimitSettings } from '../acceptor/connection-limits.ts';
import type { ListenerConfig } from '../config/config.ts';

/** Whom a listener takes in, as its configuration says. */
export function limitsOf(listener: ListenerConfig): ConnectionLimitSettings {
  return {
    connectionsMax: listener.maxConnections,
    perAddressMax: listener.maxConnectionsPerAddress,
    perSecondMax: listener.connectionsPerSecondPerAddress,
  };
}
