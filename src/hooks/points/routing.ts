export const routingPoints = {} as const;
