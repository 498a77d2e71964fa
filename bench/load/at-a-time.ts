/** Does something for each number below `count`, in their order, so many at a time. */
export async function atATime(
  count: number,
  together: number,
  act: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: together }, worker));
}
