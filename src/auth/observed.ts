import type { AuthMethod, AuthObserver, AuthQuestion } from './method.ts';

/** Asks a method, and tells the observer how that ended and how long it took. `isYes`: what an answer means. */
export async function observed<T>(
  observer: AuthObserver,
  method: AuthMethod,
  question: AuthQuestion,
  ask: () => Promise<T>,
  isYes: (answer: T) => boolean = (answer) => Boolean(answer),
): Promise<T> {
  const began = performance.now();
  const tell = (result: 'yes' | 'no' | 'failed'): void =>
    observer.asked(question, method.name, result, (performance.now() - began) / 1_000);
  let answer: T;
  try {
    answer = await ask();
  } catch (cause) {
    tell('failed');
    throw cause;
  }
  tell(isYes(answer) ? 'yes' : 'no');
  return answer;
}
