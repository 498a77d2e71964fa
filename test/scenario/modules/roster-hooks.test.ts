import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { NS_ROSTER, push, ROSTER_MODULES, roster, setItem } from './roster-support.ts';
import { fixture, loginOn } from './support.ts';

/** The hooks around a change of a roster: their order, their parameters, and what comes of their results. */

it.each([false, true])('run in their order, on two shards (versions: %s)', async (versioning) => {
  const directory = mkdtempSync(join(tmpdir(), 'mk-roster-'));
  const file = join(directory, 'hooks');
  const server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `${ROSTER_MODULES.replace('[modules.mod_roster]', `[modules.mod_roster]\nversioning = ${versioning}`)}\n${fixture('mod_roster_spy', 'mod-roster-spy.ts', `file = "${file}"`)}`,
  });
  const noted = (): unknown[][] => {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    writeFileSync(file, '');
    return lines.map((line) => JSON.parse(line) as unknown[]);
  };
  try {
    const orchard = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const garden = await loginOn(server, 'romeo@localhost/garden', 'other', orchard);
    const both = async (expected: string): Promise<void> => {
      for (const client of [orchard, garden]) expect(await push(client)).toBe(expected);
    };
    const change = (attributes: string): void =>
      orchard.send(
        `<iq type='set' id='s'><query xmlns='${NS_ROSTER}'><item jid='Puck@Localhost' ${attributes}/></query></iq>`,
      );
    // One of these for each session, and only where the client has no versions to go by.
    const pushes = (name: string, subscription = 'none'): unknown[][] =>
      Array(versioning ? 0 : 2).fill([
        'roster_push',
        'romeo@localhost',
        'puck@localhost',
        name,
        subscription,
      ]);
    const set = ['roster_set', 'romeo@localhost/orchard', 'romeo@localhost', 'Puck@Localhost'];

    change("name='Robin'");
    await both('puck@localhost "Robin" none');
    const item = ['roster_process_item', 'localhost', 'puck@localhost'];
    expect(noted()).toEqual([set, [...item, 'Robin'], ...pushes('Robin')]);

    // A handler says what clients are told; what is stored stays what the client has set.
    change("name='Changeling'");
    await both('puck@localhost "Oberon" none');
    expect(noted()).toEqual([set, [...item, 'Changeling'], ...pushes('Oberon')]);
    expect(await roster(garden)).toEqual(['puck@localhost "Changeling" none']);

    // It cannot be prevented, and is asked for by what is refused, too.
    await setItem(orchard, "<item jid='Puck@Localhost' name=''><group/></item>");
    expect(noted()).toEqual([set]);

    change("subscription='remove'");
    await both('puck@localhost remove');
    expect(noted()).toEqual([set, ...pushes('', 'remove')]);
    await Promise.all([orchard, garden].map((client) => client.close()));
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
});
