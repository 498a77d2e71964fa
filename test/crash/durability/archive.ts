import { type Element, TestClient } from '../../helpers/client.ts';
import { httpGet } from '../../helpers/http.ts';
import { eventually } from '../../helpers/process.ts';
import type { CrashRun } from './crash-run.ts';
import type { Direction, Verdict } from './ledger.ts';

const NS_MAM = 'urn:xmpp:mam:2';
const NS_RSM = 'http://jabber.org/protocol/rsm';
const PAGE = 200;

/** What an account has archived of the messages that `sender` sent: their ids, in the order of the archive. */
export async function archivedBy(port: number, bare: string, sender: string): Promise<string[]> {
  const client = await TestClient.login(port, `${bare}/archive`, { isAvailable: false });
  const ids: string[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const start: string = after === '' ? '' : `<after>${after}</after>`;
    client.send(
      `<iq type='set' id='mam'><query xmlns='${NS_MAM}'><set xmlns='${NS_RSM}'><max>${PAGE}</max>${start}</set></query></iq>`,
    );
    for (;;) {
      const element = await client.element();
      if (element.name === 'iq' && element.attribute('id') === 'mam') {
        after = nextPage(element);
        break;
      }
      const message = forwarded(element);
      if (message?.attribute('from')?.startsWith(`${sender}/`)) ids.push(message.attribute('id')!);
    }
  }
  await client.close();
  return ids;
}

function nextPage(result: Element): string | undefined {
  const fin = result.child('fin', NS_MAM);
  if (fin === undefined) throw new Error(`the archive does not answer: ${result.attribute('type')}`);
  if (fin.attribute('complete') === 'true') return undefined;
  return fin.child('set', NS_RSM)?.childText('last');
}

function forwarded(message: Element): Element | undefined {
  const result = message.child('result', NS_MAM);
  return result?.child('forwarded', 'urn:xmpp:forward:0')?.child('message', 'jabber:client');
}

/**
 * Whether both archives have all that was acknowledged, once and in order; also what was only in the memory of a session that was killed. Returns what is wrong.
 */
export async function judgeArchives(run: CrashRun, verdict: Verdict): Promise<string[]> {
  const problems: string[] = [];
  // A thread that dies again and again is started after some seconds.
  const isReady = async (): Promise<boolean> =>
    (await httpGet(run.server.port('http'), '/readyz')).body.includes('"ok"');
  await eventually(isReady, 'all archives are there');
  for (const [i, direction] of run.directions().entries()) {
    const sender = `sender${i}@localhost`;
    for (const owner of [sender, `reader${i}@localhost`]) {
      const ids = await archivedBy(run.server.port(), owner, sender);
      for (const text of problemsOf(direction, ids)) problems.push(`${owner}: ${text}`);
    }
  }
  // Of these the archive is the only witness, and it has just been heard.
  if (verdict.onlyInMemory.length > 0) console.info(`${verdict.onlyInMemory.length} only in archives`);
  return problems.slice(0, 50);
}

/** What is wrong with the archive of one account. */
export function problemsOf({ sent }: Pick<Direction, 'sent'>, ids: readonly string[]): string[] {
  const problems: string[] = [];
  const known = new Set<string>();
  let last = -1;
  for (const id of ids) {
    if (known.has(id)) problems.push(`${id} is there again`);
    known.add(id);
    if (sent[Number(id)] === undefined) problems.push(`${id} was never sent`);
    if (Number(id) < last) problems.push(`${id} after ${last}`);
    last = Math.max(last, Number(id));
  }
  for (const { serial, ackedAt, bounced } of sent) {
    if (ackedAt !== undefined && bounced === undefined && !known.has(String(serial))) {
      problems.push(`${serial} was acknowledged and is not there`);
    }
  }
  return problems;
}
