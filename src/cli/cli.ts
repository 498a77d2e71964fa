import { Command, CommanderError } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { errorBody } from '../admin/protocol.ts';
import { escapeControls } from '../observe/escape.ts';
import { addBackup } from './backup.ts';
import { addBlocklist } from './blocklist.ts';
import { addCheckConfig } from './check-config.ts';
import { addCheckStorage } from './check-storage.ts';
import { addCompletion } from './completion.ts';
import { addDomain } from './domain.ts';
import { addExport } from './export.ts';
import { addImport } from './import.ts';
import { addInbox } from './inbox.ts';
import { type Io, processIo } from './io.ts';
import { addLast } from './last.ts';
import { addOffline } from './offline.ts';
import { addReload } from './reload.ts';
import { addRestore } from './restore.ts';
import { addRoute } from './route.ts';
import type { Runner } from './runner.ts';
import { addSession } from './session.ts';
import { addStart } from './start.ts';
import { addStats } from './stats.ts';
import { addStop } from './stop.ts';
import { addPrivate, addVcard } from './stored-xml.ts';
import type { Target } from './target.ts';
import { addTrace } from './trace.ts';
import { addUser } from './user.ts';
import { addVersion } from './version.ts';

/** The order in which `meerkat help` lists them. */
const VERBS = [
  addStart,
  addStop,
  addReload,
  addCheckConfig,
  addUser,
  addDomain,
  addBlocklist,
  addLast,
  addPrivate,
  addVcard,
  addInbox,
  addOffline,
  addSession,
  addRoute,
  addTrace,
  addStats,
  addBackup,
  addRestore,
  addCheckStorage,
  addExport,
  addImport,
  addVersion,
  addCompletion,
] as const;

/** The exit status of a command line that cannot be understood. */
const USAGE = 2;
/** What Commander says when it has only shown the help. */
const HELP_SHOWN = 'commander.help';

/** Builds the command. `runner` runs the actions of its verbs. */
export function buildProgram(runner: Runner): Command {
  const program = new Command('meerkat');
  program
    .description('Meerkat, an XMPP server')
    .option('--config <file>', 'the configuration file; else $MEERKAT_CONFIG, else the built-in defaults')
    .option('--data <directory>', 'the storage directory, instead of the one in the configuration')
    .option('--socket <path>', 'the admin socket of the server, instead of the one in the configuration')
    .option('--json', 'write results and errors as JSON')
    .helpCommand('help [command]', 'explain a command')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(meerkat help explains)')
    .exitOverride();
  for (const add of VERBS) add(program, runner);
  for (const command of program.commands) inheritSettings(program, command);
  return program;
}

function inheritSettings(parent: Command, command: Command): void {
  command.copyInheritedSettings(parent);
  for (const inner of command.commands) inheritSettings(command, inner);
}

/** Runs the command line. Resolves to the exit status. */
export async function runCli(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program: Command = buildProgram({
    run: async (action) => {
      const options = program.opts() as Target & { json?: boolean };
      status = (await action(options, processIo(options.json === true))) ?? 0;
    },
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (cause) {
    if (cause instanceof CommanderError) {
      if (cause.exitCode === 0) return 0;
      // Commander has said it in words. What it stumbled over may have kept it from seeing the option.
      return argv.includes('--json') ? report(usageError(cause), processIo(true)) : USAGE;
    }
    return report(cause, processIo((program.opts() as { json?: boolean }).json === true));
  }
}

function usageError({ code, message }: CommanderError): AdminError {
  return new AdminError('usage', code === HELP_SHOWN ? 'no command given' : message.replace(/^error: /, ''));
}

/** Tells what went wrong: as JSON where results are, in words on standard error. */
function report(cause: unknown, io: Io): number {
  if (io.isJson) io.out(`${JSON.stringify({ error: errorBody(cause) })}\n`);
  else if (cause instanceof AdminError) {
    const [first = '', ...rest] = cause.message.split('\n').map(escapeControls);
    io.err(`meerkat: ${first} [${cause.code}]\n${rest.map((line) => `  ${line}\n`).join('')}`);
  } else io.err(`meerkat: ${cause instanceof Error ? cause.stack : String(cause)} [internal]\n`);
  return cause instanceof AdminError ? cause.exitStatus : 1;
}
