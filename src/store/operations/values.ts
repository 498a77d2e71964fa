/** Private storage of modules: values by module, scope (a domain or a JID) and key. */
export interface ValueOperations {
  value_get: { args: [module: string, scope: string, key: string]; result: unknown };
  value_set: { args: [module: string, scope: string, key: string, value: unknown]; result: null };
  value_delete: { args: [module: string, scope: string, key: string]; result: boolean };
  value_list: {
    args: [module: string, scope: string, after: string, limit: number];
    result: [key: string, value: unknown][];
  };
  /** Deletes everything that modules stored under a scope. */
  value_remove_scope: { args: [scope: string]; result: number };
  /** The same for a domain and all its users. */
  value_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const VALUE_READS = ['value_get', 'value_list'] as const satisfies readonly (keyof ValueOperations)[];
