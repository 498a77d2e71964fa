/** Private XML storage (XEP-0049): what an account keeps, by namespace. */
export interface PrivateOperations {
  /** What is kept under the namespaces, as serialised XML, in the order of asking; a namespace without anything is left out. */
  private_get: {
    args: [domain: string, username: string, namespaces: readonly string[]];
    result: [namespace: string, xml: string][];
  };
  /**
   * Replaces what is kept under each namespace. `full` when the account would then have more than `namespacesMax` namespaces, or `bytesMax` bytes
   * (names and XML); then nothing changes.
   */
  private_set: {
    args: [
      domain: string,
      username: string,
      entries: readonly (readonly [namespace: string, xml: string])[],
      namespacesMax: number,
      bytesMax: number,
    ];
    result: 'stored' | 'full';
  };
  /** Everything, by namespace. */
  private_list: { args: [domain: string, username: string]; result: [namespace: string, xml: string][] };
  private_remove_user: { args: [domain: string, username: string]; result: number };
  private_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const PRIVATE_READS = [
  'private_get',
  'private_list',
] as const satisfies readonly (keyof PrivateOperations)[];
