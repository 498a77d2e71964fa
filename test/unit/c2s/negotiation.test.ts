import { describe, expect, it } from 'vitest';
import { Negotiation } from '../../../src/c2s/negotiation.ts';
import { LOGIN_MS_MAX, TASKS_MS_MAX } from '../../../src/limits.ts';

const STEP_MS = 5_000;
const BEGAN = 1_000;

describe('the time for tasks', () => {
  it('is one time for all of them, from the first on', () => {
    const negotiation = new Negotiation(0, STEP_MS);
    negotiation.tasksBegan(BEGAN);
    negotiation.serverBusy();
    negotiation.stepped(BEGAN + 200_000);
    negotiation.tasksBegan(BEGAN + 200_000);
    expect([negotiation.stepDeadlineMs, negotiation.loginDeadlineMs]).toEqual([
      BEGAN + TASKS_MS_MAX,
      BEGAN + TASKS_MS_MAX,
    ]);
  });

  it('ends with them: steps are as quick as before', () => {
    const negotiation = new Negotiation(0, STEP_MS);
    negotiation.tasksBegan(BEGAN);
    negotiation.tasksEnded(250_000);
    negotiation.stepped(250_000);
    expect(negotiation.stepDeadlineMs).toBe(250_000 + STEP_MS);
    expect(negotiation.loginDeadlineMs).toBe(250_000 + LOGIN_MS_MAX);
  });

  it('is not there without them', () => {
    const negotiation = new Negotiation(0, STEP_MS);
    negotiation.tasksEnded(20_000);
    expect(negotiation.loginDeadlineMs).toBe(LOGIN_MS_MAX);
  });
});
