import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createDoorbells } from '../../../src/memory/doorbell.ts';
import { createRing } from '../../../src/memory/ring.ts';
import { createSequence } from '../../../src/memory/sequence.ts';

/**
 * Runs the real code of several threads in every order of their steps (up to a number of preemptions), instead of waiting for the machine to hit
 * upon the bad one. A step is one `Atomics` call. One thread runs at a time; at chosen steps the turn goes to another. When all
 * threads sleep and nobody is left to wake them, the run is over: whatever has not arrived by then never would.
 */

/** Words of the control memory. */
export const Control = { TURN: 0, STEP: 1, SWITCHES: 2, STATE: 4, WOKEN: 12 } as const;
export const RUNNING = 0;
export const BLOCKED = 1;

interface Send {
  readonly thread: number;
  readonly to: number;
  readonly text: string;
}

/** What the threads do. */
export interface LockstepScenario {
  readonly threads: number;
  readonly ringBytes: number;
  /** Sent in the first turn. */
  readonly sends: readonly Send[];
  /** Sent by `thread` when a frame comes that begins with `prefix`. */
  readonly onFrame?: readonly (Send & { readonly prefix: string })[];
  /** Fences set after the first sends, and what is sent when they pass. */
  readonly fences?: readonly {
    readonly thread: number;
    readonly to: number;
    readonly next: readonly Omit<Send, 'thread'>[];
  }[];
}

/** [step, thread that gets the turn]; the first entry's step -1 tells who begins. */
export type Schedule = readonly (readonly [step: number, thread: number])[];

export interface LockstepRun extends Required<Omit<LockstepScenario, 'threads' | 'ringBytes'>> {
  readonly control: SharedArrayBuffer;
  readonly schedule: Schedule;
  readonly bells: SharedArrayBuffer;
  readonly sequence: SharedArrayBuffer;
  readonly rings: SharedArrayBuffer[][];
}

/** What became of a thread. */
export interface LockstepReport {
  /** `sender:text` of each frame in the order they came, and `fence thread`. */
  readonly got: readonly string[];
  /** Frames that still wait for room. */
  readonly waiting: number;
  readonly wasCongested: boolean;
}

export class Lockstep {
  readonly #scenario: LockstepScenario;
  readonly #workers: Worker[];

  constructor(scenario: LockstepScenario) {
    this.#scenario = scenario;
    const entry = new URL('./lockstep-worker.ts', import.meta.url);
    this.#workers = Array.from(
      { length: scenario.threads },
      (_unused, me) => new Worker(entry, { workerData: { me, threads: scenario.threads } }),
    );
  }

  /** Plays the scenario once. `switches`: how many preemptions of the schedule had somebody to give the turn to. */
  async play(schedule: Schedule): Promise<{ reports: LockstepReport[]; steps: number; switches: number }> {
    const { threads, ringBytes, sends, onFrame = [], fences = [] } = this.#scenario;
    const control = new SharedArrayBuffer(128);
    const words = new Int32Array(control);
    words[Control.TURN] = schedule[0]![1];
    const run: LockstepRun = {
      control,
      schedule,
      sends,
      onFrame,
      fences,
      bells: createDoorbells(threads),
      sequence: createSequence(),
      rings: Array.from({ length: threads }, () =>
        Array.from({ length: threads }, () => createRing(ringBytes)),
      ),
    };
    const answers = this.#workers.map((worker) => once(worker, 'message'));
    for (const worker of this.#workers) worker.postMessage(run);
    const reports = (await Promise.all(answers)).map(([report]) => report as LockstepReport);
    return { reports, steps: words[Control.STEP]!, switches: words[Control.SWITCHES]! };
  }

  /**
   * Plays the scenario for every thread that may begin and every choice of up to `preemptionsMax` preemptions; of the choices with that many,
   * those that `isWanted`. `check` throws when something is wrong. Returns the number of runs.
   */
  async explore(
    preemptionsMax: number,
    check: (reports: readonly LockstepReport[], schedule: Schedule) => void,
    isWanted: () => boolean = () => true,
  ): Promise<number> {
    let runs = 0;
    const visit = async (schedule: Schedule, left: number): Promise<void> => {
      if (left === 0 && !isWanted()) return;
      const { reports, steps, switches } = await this.play(schedule);
      runs++;
      check(reports, schedule);
      // A preemption without effect: all that follows is played without it.
      if (left === 0 || switches < schedule.length - 1) return;
      // Everything up to the last preemption is as before; the next one comes after it.
      for (let step = schedule.at(-1)![0] + 1; step < steps; step++) {
        for (let thread = 0; thread < this.#scenario.threads; thread++) {
          await visit([...schedule, [step, thread]], left - 1);
        }
      }
    };
    for (let first = 0; first < this.#scenario.threads; first++) await visit([[-1, first]], preemptionsMax);
    return runs;
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
