import { microTable, runHere, runMicro } from '../lib/micro.ts';

/** `npm run bench:micro [-- NAME…] [--smoke]`: runs all micro benches, or those whose name contains one of these, and prints one table. */

const args = process.argv.slice(2);
const isSmoke = args.includes('--smoke');
const names = args.filter((argument) => !argument.startsWith('--'));

if (args.includes('--alone')) {
  // A process of its own, started by the other branch.
  process.stdout.write(JSON.stringify(await runHere(names[0]!, isSmoke)));
} else {
  process.stdout.write(`${microTable(await runMicro(isSmoke, names))}\n`);
}
