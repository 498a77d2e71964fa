import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpPool } from '../../../src/outgoing/http-pool.ts';
import { ok, says, WebService } from '../../helpers/web-service.ts';

/** What a pool sends to a web service. What it does when that fails is in `test/scenario/auth/http.test.ts`. */

describe('a request', () => {
  let service: WebService;
  let pool: HttpPool;

  beforeEach(async () => {
    service = await WebService.start();
    pool = new HttpPool(
      {
        name: 'http.test',
        scope: 'global',
        workers: 1,
        queueMax: 1,
        callTimeoutMs: 5_000,
        host: `http://127.0.0.1:${service.port}`,
        pathPrefix: '/prefix/',
        requestTimeoutMs: 5_000,
        tls: undefined,
      },
      { warn: () => {}, info: () => {} },
    );
  });

  afterEach(async () => {
    pool.close();
    await service.stop();
  });

  it('has its fields in the query of a GET, in the form of a POST', async () => {
    const fields = { a: 'ü&=', b: '' };
    await pool.request({ method: 'GET', path: 'x', fields });
    expect(await service.next()).toMatchObject({
      method: 'GET',
      url: '/prefix/x?a=%C3%BC%26%3D&b=',
      body: '',
    });
    await pool.request({ method: 'POST', path: 'x', fields });
    const { headers, ...rest } = await service.next();
    expect(rest).toMatchObject({ method: 'POST', url: '/prefix/x', body: 'a=%C3%BC%26%3D&b=' });
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it('of another content has that, with its length in bytes, and further headers', async () => {
    const body = { type: 'application/json', text: '"ü"' };
    await pool.request({ method: 'POST', path: '', body, headers: { Accept: 'text/plain' } });
    const call = await service.next();
    expect([call.url, call.body]).toEqual(['/prefix/', '"ü"']);
    expect(call.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '4',
      accept: 'text/plain',
    });
  });

  it('of more than a MiB is not sent, and says nothing about the service', async () => {
    const body = { type: 'text/plain', text: 'x'.repeat(1_048_577) };
    for (let i = 0; i < 6; i++) {
      await expect(pool.request({ method: 'POST', path: '', body })).rejects.toMatchObject({
        reason: 'full',
      });
    }
    expect(service.count).toBe(0);
    expect(
      await pool.request({ method: 'POST', path: '', body: { ...body, text: 'x'.repeat(1_048_576) } }),
    ).toEqual({
      status: 200,
      body: '',
    });
  });

  it('is answered by a redirection where the service has one', async () => {
    service.answer = says(302, 'elsewhere', { Location: '/elsewhere' });
    expect(await pool.request({ method: 'POST', path: '' })).toEqual({ status: 302, body: 'elsewhere' });
    service.answer = ok;
    expect(service.count).toBe(1);
  });
});
