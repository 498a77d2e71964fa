/** Why a connection is not read from at present; a set of these. */
export const Pause = {
  /** A handler must finish first. */
  SUSPENDED: 1,
  /** Frames to other threads wait for room. */
  CONGESTED: 2,
  /** Over its rate. */
  SHAPED: 4,
  /** Others have their turn. */
  YIELDED: 8,
  /** TLS is being negotiated. */
  HANDSHAKE: 16,
} as const;
