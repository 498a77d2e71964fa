export const sessionPoints = {} as const;
