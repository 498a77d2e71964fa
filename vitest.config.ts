import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'docs/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Scenarios start real servers: more at a time than the machine has cores only makes them wait.
    maxWorkers: '100%',
  },
});
