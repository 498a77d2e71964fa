/** The configuration of a server that was given none: enough for a first chat on this machine, open to nobody else. */
export function defaultConfigText(): string {
  return DEFAULT_CONFIG;
}

const DEFAULT_CONFIG = `\
[general]
  hosts = ["localhost"]
  loglevel = "info"

[[listen.c2s]]
  port = 5222
  ip_address = "127.0.0.1"

  # Without a certificate of our own, a self-signed one is made at the first start.
  [listen.c2s.tls]
    mode = "starttls"
`;
