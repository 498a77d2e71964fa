import { describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { befriend, NS_ROSTER, ROSTER_MODULES, roster, setItem } from '../scenario/modules/roster-support.ts';
import { condition } from '../scenario/modules/support.ts';

/** The store dies while rosters are asked for and changed: everybody is told, nothing is half done, and afterwards all is as before. */

describe('rosters when the store dies', () => {
  it('are answered with an error, not with an empty roster; nothing is routed that no roster knows of', async () => {
    const server = await TestServer.start({
      users: ['romeo', 'juliet', 'nurse'],
      toml: ROSTER_MODULES,
      isFaulty: true,
    });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    await befriend(romeo, juliet);
    await server.strike('store', 'stall-and-exit', 1_500);
    romeo.send(
      `<iq type='get' id='get'><query xmlns='${NS_ROSTER}'/></iq>` +
        `<iq type='set' id='set'><query xmlns='${NS_ROSTER}'><item jid='nurse@localhost'/></query></iq>` +
        `<iq type='set' id='remove'><query xmlns='${NS_ROSTER}'><item jid='juliet@localhost' subscription='remove'/></query></iq>` +
        "<presence to='nurse@localhost' type='subscribe' id='subscribe'/>",
    );
    const answers = new Map<string, string | undefined>();
    while (answers.size < 4) {
      const answer = await romeo.until(
        (e) => e.attribute('id') !== undefined && e.attribute('type') === 'error',
      );
      answers.set(answer.attribute('id')!, condition(answer));
    }
    for (const id of ['get', 'set', 'remove', 'subscribe'])
      expect([id, answers.get(id)]).toEqual([id, 'internal-server-error']);
    let items: string[] | undefined;
    while (items === undefined) {
      const result = await romeo.iq('get', undefined, `<query xmlns='${NS_ROSTER}'/>`);
      if (result.attribute('type') === 'result') items = await roster(romeo);
    }
    expect(items).toEqual(['juliet@localhost both']);
    expect((await setItem(romeo, "<item jid='nurse@localhost'/>")).attribute('type')).toBe('result');
    await nurse.nothingElse();
    await server.stop();
  });
});
