/** Flags that a server runs with; `bin/meerkat` passes them. */
const FLAGS = ['--disable-proto=delete', '--disable-sigusr1'] as const;

/**
 * How glibc hands out memory; `bin/meerkat` sets the same. Blocks of 64 KiB and more are pages of their own, which go back to the kernel when they are freed. (Left
 * alone, it raises that bound to the largest block ever freed.) A TLS connection has one such block for what it reads, of which it touches a page: an idle session over TLS
 * took 40 KiB instead of 47, and a server with 3,000 of them 358 MB instead of 543. Each such block may count against the kernel's 65,530 mappings of
 * a process, which V8 needs, too; hence the second. Other libraries of C do not know them.
 */
const MEMORY = { MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_MMAP_MAX_: '20000' } as const;

/**
 * Makes sure that the server runs protected, however it was started: nothing reaches `Object.prototype` through `__proto__` (threat T54), and
 * no signal opens the inspector (T74). Only flags of Node do that for all threads, so the process starts itself anew with them, under the
 * same process id. Where it cannot (under `node --watch`, which talks to its child), this thread at least protects itself.
 */
export function protect(): void {
  const missing = FLAGS.filter((flag) => !process.execArgv.includes(flag));
  if (missing.length > 0 && process.execve !== undefined && process.send === undefined) {
    const { execPath, execArgv, argv } = process;
    process.execve(execPath, [execPath, ...missing, ...execArgv, ...argv.slice(1)], {
      ...MEMORY,
      ...process.env,
    });
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
