import { type Command, InvalidArgumentError } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { print } from './io.ts';
import type { Runner } from './runner.ts';
import { withServer } from './server-access.ts';

const TIMEOUT_S = 60;

export function addStop(program: Command, runner: Runner): void {
  program
    .command('stop')
    .description('stop the server in order, and wait for its end')
    .option('--timeout <seconds>', 'how long to wait', seconds, TIMEOUT_S)
    .action((options: { timeout: number }) =>
      runner.run(async (target, io) => {
        const { pid } = await withServer(target, io, async (client) => {
          const answer = (await client.request('stop')) as { pid: number };
          const timer = setTimeout(() => client.close(), options.timeout * 1_000);
          const from = performance.now();
          await client.ended();
          clearTimeout(timer);
          if (performance.now() - from >= options.timeout * 1_000) {
            throw new AdminError(
              'stop_timed_out',
              `process ${answer.pid} has not stopped within ${options.timeout} s; it may still be at it`,
            );
          }
          return answer;
        });
        print(io, { pid }, () => `process ${pid} has stopped`);
        return 0;
      }),
    );
}

/** A number of seconds on the command line. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a positive number');
  return value;
}
