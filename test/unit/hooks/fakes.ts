import { Accumulator, Origin } from '../../../src/hooks/accumulator.ts';
import {
  type AnyHandler,
  Chain,
  type ChainHost,
  type HandlerEntry,
  type HandlerExtra,
} from '../../../src/hooks/chain.ts';
import type { Trace, TraceStep } from '../../../src/hooks/trace.ts';
import { Element } from '../../../src/xml/element.ts';
import { type Jid, parseJid } from '../../../src/xmpp/jid.ts';
import { NS_CLIENT } from '../../../src/xmpp/namespaces.ts';
import { Stanza } from '../../../src/xmpp/stanza.ts';

export function jid(text: string): Jid {
  return parseJid(text)!;
}

export const ALICE = jid('alice@example.com/phone');
export const BOB = jid('bob@example.com');

export function message(attributes: Record<string, string> = {}, body = 'hello'): Stanza {
  const child = Element.of('body', NS_CLIENT, {}, body);
  return Stanza.of(Element.of('message', NS_CLIENT, { id: 'm1', ...attributes }, child));
}

/** A message of alice to bob. */
export function accumulator(stanza: Stanza | undefined = message()): Accumulator {
  return new Accumulator(7, 1_000_000, Origin.C2S, undefined, 'example.com', stanza, ALICE, BOB);
}

/** A failure that a chain reported. */
export interface Failure {
  readonly hook: string;
  readonly module: string;
  readonly acc: unknown;
  readonly cause: unknown;
}

/** Remembers failures. */
export class FakeHost implements ChainHost {
  readonly failures: Failure[] = [];
  readonly deadlineMs: number;

  constructor(deadlineMs = 1000) {
    this.deadlineMs = deadlineMs;
  }

  failed(hook: string, entry: HandlerEntry, acc: unknown, cause: unknown): void {
    this.failures.push({ hook, module: entry.module, acc, cause });
  }
}

export const EXTRA: HandlerExtra = { hook_name: 'test_hook', hook_tag: 'localhost', host_type: 'localhost' };

/** A chain of these handlers; their modules are named `mod_0`, `mod_1`, … */
export function chainOf(
  host: ChainHost,
  handlers: readonly AnyHandler[],
  closed?: { refusal?: unknown },
): Chain {
  const entries = handlers.map((fn, i) => ({
    fn,
    module: `mod_${i}`,
    priority: 50,
    extra: EXTRA,
    hasEffects: false,
  }));
  return new Chain('test_hook', entries, host, closed !== undefined, closed?.refusal);
}

/** Remembers the steps of a traced stanza. */
export class FakeTrace implements Trace {
  readonly steps: TraceStep[] = [];
  readonly isDryRun: boolean;

  constructor(isDryRun = false) {
    this.isDryRun = isDryRun;
  }

  note(step: TraceStep): void {
    this.steps.push(step);
  }
}
