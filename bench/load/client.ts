import type { Scenario } from './scenario.ts';
import { acknowledgedRate } from './scenarios/acknowledged-rate.ts';
import {
  archivedStream,
  archivedStreamAcknowledged,
  deepPages,
  firstPages,
  pagesWithOne,
  widePages,
} from './scenarios/archive.ts';
import { carbons } from './scenarios/carbons.ts';
import { classicFullLogin, modernFullLogin, tokenFullLogin } from './scenarios/full-login.ts';
import { idle, idleAcknowledged, idlePostQuantum, idleTls } from './scenarios/idle.ts';
import { inbox } from './scenarios/inbox.ts';
import { plainLogin, scramLogin } from './scenarios/login.ts';
import { offline } from './scenarios/offline.ts';
import { pingPong, pingPongAcknowledged } from './scenarios/ping-pong.ts';
import { presence } from './scenarios/presence.ts';
import { presenceStorm } from './scenarios/presence-storm.ts';
import { rate } from './scenarios/rate.ts';
import { resumeStorm } from './scenarios/resume-storm.ts';
import { stream, streamAcknowledged } from './scenarios/stream.ts';

/** Entry of the client process: runs one scenario, and tells the orchestrator when the counted part begins and ends. */

const SCENARIOS = new Map<string, Scenario>([
  ['ping-pong', pingPong],
  ['stream', stream],
  ['rate', rate],
  ['acknowledged-rate', acknowledgedRate],
  ['login-scram', scramLogin],
  ['login-plain', plainLogin],
  ['idle', idle],
  ['presence', presence],
  ['carbons', carbons],
  ['presence-storm', presenceStorm],
  ['offline', offline],
  ['ping-pong-acknowledged', pingPongAcknowledged],
  ['stream-acknowledged', streamAcknowledged],
  ['idle-acknowledged', idleAcknowledged],
  ['idle-tls', idleTls],
  ['idle-tls-post-quantum', idlePostQuantum],
  ['full-login-classic', classicFullLogin],
  ['full-login-modern', modernFullLogin],
  ['full-login-token', tokenFullLogin],
  ['resume-storm', resumeStorm],
  ['archived-stream', archivedStream],
  ['archived-stream-acknowledged', archivedStreamAcknowledged],
  ['archive-first-pages', firstPages],
  ['archive-deep-pages', deepPages],
  ['archive-wide-pages', widePages],
  ['archive-pages-with-one', pagesWithOne],
  ['inbox', inbox],
]);

const options = JSON.parse(process.argv[2]!) as {
  scenario: string;
  port: number;
  isRelay: boolean;
  pairs: number;
  seconds: number;
  amount: number;
};

let goOn: () => void = () => {};
process.on('message', () => goOn());

function tell(message: unknown): Promise<void> {
  return new Promise((resolve) => {
    goOn = resolve;
    process.send!(message);
  });
}

const scenario = SCENARIOS.get(options.scenario);
if (scenario === undefined) throw new Error(`no scenario ${options.scenario}`);
const result = await scenario({
  ...options,
  begin: () => tell({ kind: 'begin' }),
  end: (count) => tell({ kind: 'end', count }),
});
// A long run has many latencies: they must be through before the process ends.
process.send!({ kind: 'result', result }, () => process.exit(0));
