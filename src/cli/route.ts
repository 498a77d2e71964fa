import type { Command } from 'commander';
import type { NamedExplanation } from '../admin/commands.ts';
import { type Io, print, table } from './io.ts';
import type { Runner } from './runner.ts';
import { withServer } from './server-access.ts';

export function addRoute(program: Command, runner: Runner): void {
  program
    .command('route')
    .description('explain what would happen to a stanza; nothing is delivered or stored')
    .requiredOption('--from <jid>', 'who sends it; the hooks of his session are run, if he has one')
    .option('--to <jid>', 'who it is for, instead of what the stanza says')
    .argument(
      '<stanza>',
      'the stanza: \'<message type="chat"><body>Hi</body></message>\'; - reads standard input',
    )
    .action((argument: string, options: { from: string; to?: string }) =>
      runner.run(async (target, io) => {
        const stanza = argument === '-' ? await readAll(io) : argument;
        const args = { from: options.from, to: options.to, stanza };
        const explanation = await withServer(target, io, (client) => client.request('route', args));
        print(io, explanation, () => describe(explanation as NamedExplanation));
        return 0;
      }),
    );
}

async function readAll(io: Io): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of io.stdin) parts.push(Buffer.from(part as Buffer));
  return Buffer.concat(parts).toString();
}

function describe({ session, steps, decision }: NamedExplanation): string {
  const lines: string[] = [
    session === undefined
      ? 'the sender has no session: explained from the router on, without the hooks of a session'
      : `as if ${session} sent it`,
  ];
  let stanza = '';
  let rows: (string | number)[][] = [];
  const flush = (): void => {
    if (rows.length > 0) lines.push(table(rows, [3]));
    rows = [];
  };
  for (const step of steps) {
    const indent = '  '.repeat(step.depth);
    if (step.stanza !== stanza) {
      flush();
      stanza = step.stanza;
      lines.push(`${indent}${stanza}`);
    }
    rows.push([
      `${indent}  ${step.step}`,
      step.module ?? '',
      step.outcome ?? '',
      step.us === undefined ? '' : `${step.us} µs`,
    ]);
  }
  flush();
  lines.push(`⇒ ${conclusion(decision)}`);
  return lines.join('\n');
}

function conclusion({ outcome, sessions, error, by }: NamedExplanation['decision']): string {
  switch (outcome) {
    case 'delivered':
      return `delivered to ${sessions.join(', ')}`;
    case 'stored':
      return `stored${by === undefined ? '' : ` by ${by}`}, unless its limits are reached`;
    case 'bounced':
      return `bounced: the sender gets the error ${error}`;
    case 'dropped':
      return `dropped silently${by === undefined ? '' : ` by ${by}`}`;
    case 'answered':
      return 'answered by the server';
    case 'taken':
      return `taken by ${by ?? 'a handler'}, which ends its way`;
    case 'broadcast':
      return sessions.length === 0
        ? 'broadcast as presence'
        : `broadcast as presence; here to ${sessions.join(', ')}`;
    default:
      return 'not known: a handler waits for something that is not asked when a route is only explained';
  }
}
