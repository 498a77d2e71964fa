import { readFileSync, writeFileSync } from 'node:fs';
import { microTable } from './micro.ts';
import type { BenchRecord } from './record.ts';

/** Servers measured earlier on a machine of this kind, with the same scenarios. Processor time per operation, medians. */
const PEERS = `| | ejabberd 23.01 | Prosody 0.12 | MongooseIM 6.2 | relay on Node | relay in C |
|---|---|---|---|---|---|
| ping-pong message | 123 µs | 133 µs | 150 µs | 11.4 µs | 5.9 µs |
| streamed message | 105 µs | 90 µs | 172 µs | 0.46 µs | 0.28 µs |
| delivered presence | 45 µs | 38 µs | 69 µs | | |
| offline message, stored and delivered | 467 µs | 313 µs | 427 µs | | |
| login with SCRAM-SHA-1 | 758 µs | 923 µs | 689 µs | | |
| idle session | 40 KiB | 46 KiB | | 5.7 KiB | |`;

/** What is to say about figures above their targets; kept by hand. */
const NOTES = readFileSync(new URL('../notes.md', import.meta.url), 'utf8').trim();

/** Writes `docs/benchmarks.md`. */
export function writePage(record: BenchRecord): void {
  writeFileSync(new URL('../../docs/benchmarks.md', import.meta.url), benchmarksPage(record));
}

/** Its text. */
export function benchmarksPage({ results, micro, ...where }: BenchRecord): string {
  const rows = results.map(({ name, summary, target, isReached }) => {
    const verdict = isReached === undefined ? '' : isReached ? 'reached' : '**not reached**';
    return `| ${name} | ${summary} | ${target ?? ''} | ${verdict} |`;
  });
  const details = results.map(({ name, details: lines, date, commit }) => {
    const isEarlier = commit !== undefined && commit !== where.commit;
    const since = isEarlier ? ` (measured on ${date}, commit ${commit})` : '';
    return `**${name}**${since}\n\n${lines.map((l) => `- ${l}`).join('\n')}`;
  });
  const earlier = results.filter(({ commit }) => commit !== undefined && commit !== where.commit).length;
  const note =
    earlier === 0 ? '' : ` ${earlier} of the figures are of an earlier commit; the details say which.`;
  return `<!-- Written by \`npm run bench\`. -->
# Benchmarks

What counts is processor time per operation: user and system, all threads of the server, read from the kernel around the counted part.
Machines are shared and noisy, so each figure is held against something measured in the same run, in turns with it: a bare relay on
Node's \`net\` that copies frames from one socket to its peer and does no XMPP, or the parser \`saxes\` on the same bytes.

Measured on ${where.date}, commit ${where.commit}: Node ${where.node}, Linux ${where.kernel}, ${where.cores} cores of ${where.processor},
${where.memoryGiB} GiB. Client and server share the machine. Medians, with the smallest and the largest of the rounds in brackets.${note}

| | measured | target | |
|---|---|---|---|
${rows.join('\n')}

No message was lost, doubled or out of order in any of the runs: the client counts and numbers them.

${NOTES}

## Details

${details.join('\n\n')}

## What is measured

- **ping-pong**: 100 pairs of sessions; each answers every message with one of its own, 283 bytes as the sender writes it, to a full JID.
- **stream**: 100 pairs; one side keeps 64 messages under way.
- **latency**: open loop; a message's time counts from when it was due, so a server that stalls cannot hide it.
- **acknowledgement**: open loop, too; behind each message its sender asks for an acknowledgement (XEP-0198), and the time counts from when the message was due to when its number has come. With an archive it waits for the commit.
- **presence fan-out**: 20 accounts; one session changes its presence, 20 others of the account hear it. Counted is each delivery.
- **carbons fan-out**: 20 pairs of accounts with five devices each; one device of each talks, the four others get copies of both sides. Counted is each delivery: the message and its eight copies.
- **presence storm**: users with 20 contacts each, who are logged in, become available, 25 at a time; all of them have done so once before. Counted is each delivered
  presence: those of contacts that are shown to a user who comes, his own shown to them, and his own copy.
- **offline**: messages for absent users are stored (each commit is on the disk, \`durability = "full"\`), then the users become available and get them.
- **login**: connect, log in, bind a resource, disconnect; the account has logged in before.
- **full login**: what a client does until it is ready, 16 at a time, over TLS that is agreed on anew each time: SCRAM-SHA-1, carbons and stream management switched on, the
  roster of 20 contacts, service discovery, presence, and the end of the stream. By the classic profile, by SASL2 and Bind 2, and by these with a token (FAST). Each answer is checked.
- **resume storm**: 4,000 sessions with stream management, each with two messages that its client has not seen, lose their connections at once; a third message is sent to each; then all
  come back, 32 at a time and in another order, log in with PLAIN and resume. Each of the three must come once, in order. They have all done so once before.
- **idle session**: resident memory of the server before and after 10,000 more sessions that are bound and available; 3,000 are there before. With 20 contacts: these are
  among the same users, and see each other. TLS is from the first byte.

## Parts

What single parts cost, each alone in a loop with its code and data warm (\`npm run bench:micro\`): good for comparing a part with itself, not
for adding up. Time of one operation is the median; spread is the relative margin of error of the mean.

${microTable(micro)}

## Others

Measured earlier on a machine of this kind, server processor time, medians; not in the same run, so only the order of magnitude counts.

${PEERS}
`;
}
