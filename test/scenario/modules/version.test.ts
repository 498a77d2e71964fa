import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition } from './support.ts';

/** mod_version (XEP-0092): which software this is. */

const NS = 'jabber:iq:version';
const PACKAGE = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

async function withServer(options: string, work: (romeo: TestClient) => Promise<void>): Promise<void> {
  const server = await TestServer.start({
    users: ['romeo'],
    toml: `[modules.mod_disco]\n[modules.mod_version]\n  ${options}`,
  });
  try {
    await work(await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false }));
  } finally {
    await server.stop();
  }
}

function told(answer: Element): (readonly [string, string])[] {
  return answer
    .child('query', NS)!
    .elements()
    .map((element) => [element.name, element.text()]);
}

describe('software version', () => {
  it('is told by name and number, without the operating system', async () => {
    await withServer('', async (romeo) => {
      const answer = await romeo.iq('get', 'localhost', `<query xmlns='${NS}'/>`);
      expect(told(answer)).toEqual([
        ['name', 'Meerkat'],
        ['version', PACKAGE.version],
      ]);
    });
  });

  it('tells the operating system where the operator wants that', async () => {
    await withServer('os_info = true', async (romeo) => {
      const answer = await romeo.iq('get', 'localhost', `<query xmlns='${NS}'/>`);
      const [os] = told(answer).slice(2);
      expect(os![0]).toBe('os');
      expect(os![1]).toMatch(new RegExp(`^unix ${process.platform} [0-9]+(\\.[0-9]+)*$`));
    });
  });

  it('cannot be set, is a query, and is announced', async () => {
    await withServer('', async (romeo) => {
      expect(condition(await romeo.iq('set', 'localhost', `<query xmlns='${NS}'/>`))).toBe('not-allowed');
      expect(condition(await romeo.iq('get', 'localhost', `<version xmlns='${NS}'/>`))).toBe('bad-request');
      const info = 'http://jabber.org/protocol/disco#info';
      const answer = await romeo.iq('get', 'localhost', `<query xmlns='${info}'/>`);
      const features = answer
        .child('query', info)!
        .elements()
        .map((one) => one.attribute('var'));
      expect(features).toContain(NS);
    });
  });
});
