import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'docs/**/*.test.ts'],
    // What a test waits for comes at once or not at all. How long «at once» takes on a busy machine is not tested.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // Scenarios start real servers: more at a time than the machine has cores only makes them wait.
    maxWorkers: '100%',
  },
});
