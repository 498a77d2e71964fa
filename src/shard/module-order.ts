import type { ModuleDefinition } from '../modules/module.ts';

/** A module cannot be started: something it needs is missing, or modules need each other in a circle. */
export class ModuleDependencyError extends Error {}

/**
 * The order in which modules start: each after what it depends on, otherwise as in the configuration. That order decides between handlers of
 * equal priority.
 */
export function startOrder(definitions: readonly ModuleDefinition[]): ModuleDefinition[] {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  const done = new Set<string>();
  const order: ModuleDefinition[] = [];
  const visit = (definition: ModuleDefinition, path: readonly string[]): void => {
    if (done.has(definition.name)) return;
    if (path.includes(definition.name)) {
      throw new ModuleDependencyError(`modules need each other: ${[...path, definition.name].join(' → ')}`);
    }
    for (const { module, isOptional } of definition.dependencies ?? []) {
      const needed = byName.get(module);
      if (needed !== undefined) visit(needed, [...path, definition.name]);
      else if (isOptional !== true) {
        throw new ModuleDependencyError(`${definition.name} needs ${module}, which is not configured`);
      }
    }
    done.add(definition.name);
    order.push(definition);
  };
  for (const definition of definitions) visit(definition, []);
  return order;
}
