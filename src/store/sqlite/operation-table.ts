/** Functions that do the operations of an interface like those of `store/operations/`. */
export type OperationTable<Operations> = {
  readonly [O in keyof Operations]: Operations[O] extends {
    args: infer Args extends unknown[];
    result: infer Result;
  }
    ? (...args: Args) => Result
    : never;
};
