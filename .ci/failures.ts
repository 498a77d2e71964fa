import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * What a run of the tests came to, out of vitest's JSON report (the first argument): `counts` prints how many passed and failed, `files` the test files in
 * which something failed, one a line, `list` what failed, and why, in a line or two each.
 */

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const [file, what] = process.argv.slice(2);
const report = JSON.parse(readFileSync(file!, 'utf8')) as Report;
const failed = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
  const path = relative(process.cwd(), name);
  const tests = assertionResults
    .filter((test) => test.status === 'failed')
    .map(({ fullName, failureMessages }) => ({ path, fullName, why: failureMessages.join('\n') }));
  // A file that cannot be loaded, or a hook that fails, is no failed test; it counts as one.
  return tests.length === 0 && status === 'failed'
    ? [{ path, fullName: '(the file itself)', why: message ?? '' }]
    : tests;
});

/** The first line of an error, and where in the tests it was thrown. */
function gist(why: string): string {
  const lines = why.split('\n').map((line) => line.trim());
  const place = lines.find((line) => line.startsWith('at ') && line.includes('/test/'));
  return [lines[0]!.slice(0, 300), ...(place === undefined ? [] : [place.slice(0, 200)])].join('\n    ');
}

if (what === 'counts') console.log(`${report.numPassedTests} ${failed.length}`);
else if (what === 'files') for (const path of new Set(failed.map((test) => test.path))) console.log(path);
else for (const { path, fullName, why } of failed) console.log(`  ${path}: ${fullName}\n    ${gist(why)}`);
