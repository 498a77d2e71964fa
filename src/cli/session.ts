import type { Command } from 'commander';
import type { SessionInfo } from '../shard/commands.ts';
import { formatDuration, print, table } from './io.ts';
import type { Runner } from './runner.ts';
import { withServer } from './server-access.ts';

export function addSession(program: Command, runner: Runner): void {
  const session = program.command('session').description('sessions of clients');
  session
    .command('list')
    .description('who is connected')
    .argument('[jid]', 'only the sessions of this account, or this one session')
    .option('--domain <domain>', 'only the sessions of this domain')
    .action((jid: string | undefined, options: { domain?: string }) =>
      runner.run(async (target, io) => {
        const args = { jid, domain: options.domain };
        const sessions = await withServer(target, io, (client) => client.request('session_list', args));
        print(io, sessions, () => describe(sessions as SessionInfo[]));
        return 0;
      }),
    );
  session
    .command('kick')
    .description('end the sessions of an account, or one of them, with the stream error conflict')
    .argument('<jid>', 'the account, or the session with its resource')
    .argument('[text]', 'what the client is told')
    .action((jid: string, text: string | undefined) =>
      runner.run(async (target, io) => {
        const count = await withServer(target, io, (client) => client.request('session_kick', { jid, text }));
        print(io, { ended: count }, () => (count === 1 ? '1 session ended' : `${count} sessions ended`));
        return 0;
      }),
    );
}

function describe(sessions: readonly SessionInfo[]): string {
  if (sessions.length === 0) return 'nobody is connected';
  const rows = sessions.map((one) => [
    one.jid,
    one.priority === null ? 'unavailable' : `priority ${one.priority}`,
    `${one.address} port ${one.port}`,
    one.isEncrypted ? 'TLS' : 'plain',
    `shard ${one.shard}`,
    formatDuration(one.connectedMs),
  ]);
  return table(rows, [5]);
}
