/** Freezes a value and all that it holds. Maps and sets refuse changes too, which `Object.freeze` alone does not do. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) {
    for (const member of value.values()) deepFreeze(member);
    forbid(value, ['set', 'delete', 'clear']);
  } else if (value instanceof Set) {
    for (const member of value) deepFreeze(member);
    forbid(value, ['add', 'delete', 'clear']);
  } else {
    Object.freeze(value); // first: a cycle ends here
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return Object.freeze(value);
}

function forbid(collection: object, methods: readonly string[]): void {
  for (const method of methods) Object.defineProperty(collection, method, { value: refuse });
}

function refuse(): never {
  throw new TypeError('the configuration is read-only');
}
