import { Peer } from '../peer.ts';
import { counted, type Scenario } from '../scenario.ts';

const AT_A_TIME = 16;

/** Connect, log in, bind, close; with SCRAM-SHA-1 or PLAIN. As many logins go before those that count: caches are filled, the code is warm. */
function logins(mechanism: 'SCRAM-SHA-1' | 'PLAIN'): Scenario {
  return async (context) => {
    const accounts = Math.min(context.amount, 200);
    const round = async (count: number): Promise<void> => {
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < count) {
          const n = next++;
          const peer = await Peer.login(n % accounts, 'localhost', `r${n}`, context.port, false, mechanism);
          peer.close();
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    };
    await round(context.amount);
    return await counted(context, async () => {
      await round(context.amount);
      return { count: context.amount, errors: 0 };
    });
  };
}

export const scramLogin = logins('SCRAM-SHA-1');
export const plainLogin = logins('PLAIN');
