/** Flags that a server runs with; `bin/meerkat` passes them. */
const FLAGS = ['--disable-proto=delete', '--disable-sigusr1'] as const;

/**
 * Makes sure that the server runs protected, however it was started: nothing reaches `Object.prototype` through `__proto__` (threat T54), and
 * no signal opens the inspector (T74). Only flags of Node do that for all threads, so the process starts itself anew with them, under the
 * same process id. Where it cannot (under `node --watch`, which talks to its child), this thread at least protects itself.
 */
export function protect(): void {
  const missing = FLAGS.filter((flag) => !process.execArgv.includes(flag));
  if (missing.length > 0 && process.execve !== undefined && process.send === undefined) {
    const { execPath, execArgv, argv } = process;
    process.execve(execPath, [execPath, ...missing, ...execArgv, ...argv.slice(1)], process.env);
  }
  Reflect.deleteProperty(Object.prototype, '__proto__');
}

/** Whether Node was asked to let itself be inspected. */
export function wantsInspector(
  execArgv: readonly string[] = process.execArgv,
  nodeOptions = process.env['NODE_OPTIONS'] ?? '',
): boolean {
  return [...execArgv, ...nodeOptions.split(/\s+/)].some((flag) => /^--inspect(?:$|[-=])/.test(flag));
}
