import type { z } from 'zod';
import type { ModuleContext } from './context.ts';

/** A specification that a module implements, for `docs/xeps.md`. */
export interface Xep {
  readonly number: number;
  readonly version: string;
  readonly note?: string;
}

/** Another module that must, or may, be started before. */
export interface Dependency {
  readonly module: string;
  readonly isOptional?: boolean;
}

/** Everything about a module, in one declaration. */
export interface ModuleDefinition<Options = unknown> {
  /** `mod_…`: its name in the configuration. */
  readonly name: string;
  readonly xeps?: readonly Xep[];
  /** Namespaces announced for the server by service discovery, beside those of its request handlers. */
  readonly features?: readonly string[];
  /** The options of `[modules.NAME]`, with their defaults. */
  readonly options: z.ZodType<Options>;
  readonly dependencies?: readonly Dependency[];
  /** Starts the module for one host type, in every shard. Everything registered through the context ends with the module. */
  readonly setup: (context: ModuleContext<Options>) => void;
}

/** Declares a module. */
export function defineModule<Options>(definition: ModuleDefinition<Options>): ModuleDefinition<Options> {
  return definition;
}
