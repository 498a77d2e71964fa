import { Piscina } from 'piscina';

/**
 * Copies the database in a thread of its own: it takes as long as the disk does, and neither the store nor those who wait for the task pool
 * (logins with new passwords) shall notice. Returns the size of the copy in bytes.
 */
export async function runBackup(entry: URL, directory: string, file: string): Promise<number> {
  const pool = new Piscina({ filename: entry.href, minThreads: 0, maxThreads: 1 });
  try {
    return (await pool.run([directory, file], { name: 'backup' })) as number;
  } finally {
    await pool.destroy();
  }
}
