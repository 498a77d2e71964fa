import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

describe.each([1, 2, 3])('a chat on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({ shards, users: ['romeo', 'juliet', 'nurse'] });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  });

  afterAll(async () => {
    await server.stop();
  });

  it('carries a message to a full JID, stamped with its sender', async () => {
    romeo.send(
      "<message to='juliet@localhost/balcony' type='chat' id='m1'><body>Art thou there?</body></message>",
    );
    const message = await juliet.message();
    expect(message.attribute('from')).toBe('romeo@localhost/orchard');
    expect(message.attribute('to')).toBe('juliet@localhost/balcony');
    expect(message.attribute('id')).toBe('m1');
    expect(message.childText('body')).toBe('Art thou there?');
  });

  it('carries a message to a bare JID, whose address stays bare', async () => {
    juliet.send("<message to='romeo@localhost' type='chat'><body>&lt;O &amp; Romeo&gt;</body></message>");
    const message = await romeo.message();
    expect(message.attribute('to')).toBe('romeo@localhost');
    expect(message.childText('body')).toBe('<O & Romeo>');
  });

  it('keeps the order of a thousand messages in both directions', async () => {
    for (let i = 0; i < 1000; i++) {
      romeo.send(`<message to='juliet@localhost/balcony' type='chat' id='a${i}'><body>x</body></message>`);
      juliet.send(`<message to='romeo@localhost' type='chat' id='b${i}'><body>y</body></message>`);
    }
    for (let i = 0; i < 1000; i++) {
      expect((await juliet.message()).attribute('id')).toBe(`a${i}`);
      expect((await romeo.message()).attribute('id')).toBe(`b${i}`);
    }
  });

  it('keeps messages for an absent user and delivers them in order, with their time, once', async () => {
    for (let i = 0; i < 20; i++) {
      romeo.send(`<message to='nurse@localhost' type='chat' id='o${i}'><body>Nurse!</body></message>`);
    }
    await romeo.nothingElse();
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall', { isAvailable: false });
    nurse.send('<presence/>');
    for (let i = 0; i < 20; i++) {
      const message = await nurse.message();
      expect(message.attribute('id')).toBe(`o${i}`);
      expect(message.attribute('from')).toBe('romeo@localhost/orchard');
      expect(message.child('delay', 'urn:xmpp:delay')?.attribute('from')).toBe('localhost');
    }
    await nurse.close();
    const again = await TestClient.login(server.port(), 'nurse@localhost/hall');
    await again.nothingElse();
    await again.close();
  });

  it('answers a message to an unknown user with service-unavailable', async () => {
    romeo.send("<message to='tybalt@localhost' type='chat' id='t1'><body>Villain</body></message>");
    const error = await romeo.message();
    expect(error.attribute('type')).toBe('error');
    expect(error.attribute('from')).toBe('tybalt@localhost');
    expect(error.child('error')?.elements()[0]?.name).toBe('service-unavailable');
  });
});
