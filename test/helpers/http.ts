import { request } from 'node:http';

/** An answer of an HTTP listener. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Asks an HTTP listener of this machine. Each time on a connection of its own. */
export function httpGet(port: number, path: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode!, body: Buffer.concat(parts).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Metrics as they were at one moment. */
export class Scrape {
  readonly #samples = new Map<string, number>();

  /** `text`: in the format of Prometheus. */
  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const space = line.lastIndexOf(' ');
      this.#samples.set(line.slice(0, space), Number(line.slice(space + 1)));
    }
  }

  static async of(port: number): Promise<Scrape> {
    return new Scrape((await httpGet(port, '/metrics')).body);
  }

  /** The sum over all series of a metric that have these labels. */
  sum(name: string, ...labels: readonly string[]): number {
    let total = 0;
    for (const [key, value] of this.#samples) {
      if (key.replace(/\{.*/, '') === name && labels.every((label) => key.includes(label))) total += value;
    }
    return total;
  }

  /** The names of all metrics; parts of a histogram or summary under their own names. */
  names(): Set<string> {
    return new Set([...this.#samples.keys()].map((key) => key.replace(/\{.*/, '')));
  }
}
