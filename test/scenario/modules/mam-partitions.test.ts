/** What scenarios of archives ask for, once more with the archive in three files. */

process.env['MEERKAT_TEST_PARTITIONS'] = '3';
await import('./mam-queries.test.ts');
await import('./mam-search.test.ts');
await import('./mam-retraction.test.ts');
await import('./mam-removal.test.ts');

export {};
