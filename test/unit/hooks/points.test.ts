import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hooksPage } from '../../../docs/hooks-table.ts';
import type { Point } from '../../../src/hooks/point.ts';
import { POINT_GROUPS } from '../../../src/hooks/points/groups.ts';
import { HOOK_INDEX, HOOK_NAMES, POINTS } from '../../../src/hooks/points.ts';

/** The reference's list: `number name`, one a line. */
const LISTED = readFileSync(new URL('../../fixtures/hook-names.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split(' ') as [number: string, name: string]);

const NOT_COUNTED = [
  'sm_register_connection',
  'sm_remove_connection',
  'auth_failed',
  'user_send_packet',
  'user_send_message',
  'user_send_presence',
  'user_send_iq',
  'user_receive_packet',
  'user_receive_message',
  'user_receive_presence',
  'user_receive_iq',
  'xmpp_send_element',
  'roster_get',
  'roster_set',
  'roster_push',
  'register_user',
  'remove_user',
  'anonymous_purge',
  'privacy_iq_get',
  'privacy_iq_set',
  'privacy_check_packet',
  'mam_get_prefs',
  'mam_set_prefs',
  'mam_remove_archive',
  'mam_archive_message',
  'mam_muc_get_prefs',
  'mam_muc_set_prefs',
  'mam_muc_remove_archive',
  'mam_muc_lookup_messages',
  'mam_muc_archive_message',
  'c2s_debug_traffic',
];

const GLOBAL_HOOKS = [
  'check_bl_c2s',
  'filter_packet',
  'node_cleanup',
  'packet_to_component',
  'register_subhost',
  's2s_allow_host',
  's2s_receive_packet',
  's2s_send_packet',
  'unregister_subhost',
  'c2s_debug_traffic',
];

const entries = Object.entries<Point<unknown, unknown>>(POINTS);

function namesOf(wanted: (point: Point<unknown, unknown>) => boolean): string[] {
  return entries
    .filter(([, point]) => wanted(point))
    .map(([name]) => name)
    .sort();
}

/** All sources but the declarations, without registrations of handlers. */
function callers(): string {
  const root = new URL('../../../src/', import.meta.url).pathname;
  return globSync('**/*.ts', { cwd: root })
    .filter((file) => !file.startsWith('hooks/points'))
    .map((file) => readFileSync(`${root}${file}`, 'utf8'))
    .join('\n')
    .replace(/(\.hook|\.globalHook|registry\.add)\(\s*'\w+'/g, '');
}

describe('the list of hooks', () => {
  test('says of exactly those that the sources name for running that this version runs them', () => {
    const sources = callers();
    const named = HOOK_NAMES.filter(
      (name) => sources.includes(`'${name}'`) || new RegExp(`HOOK_INDEX\\.${name}\\b`).test(sources),
    );
    expect([...named].sort()).toEqual(namesOf(({ part }) => part === 'core'));
  });

  test('holds the 132 numbered hooks, the 9 newer ones, and 4 of our own', () => {
    const numbers = LISTED.map(([number]) => number);
    const expected = [
      ...Array.from({ length: 132 }, (_, i) => String(i + 1)),
      ...Array.from({ length: 9 }, (_, i) => `N${i + 1}`),
      'M1',
      'M2',
      'M3',
      'M4',
    ];
    expect(numbers).toEqual(expected);
  });

  test('is declared completely, and nothing else is', () => {
    expect([...HOOK_NAMES].sort()).toEqual(LISTED.map(([, name]) => name).sort());
  });

  test('gives every hook a number of its own, from 0 on without gaps', () => {
    expect(HOOK_NAMES.map((name) => HOOK_INDEX[name])).toEqual(HOOK_NAMES.map((_, i) => i));
  });

  test('has every hook in exactly one group', () => {
    const grouped = POINT_GROUPS.flatMap(({ points }) => Object.keys(points));
    expect(grouped).toEqual(HOOK_NAMES);
  });
});

describe('declarations', () => {
  test.each(entries)('of %s explain everything in sentences', (_name, point) => {
    const texts = [point.when, point.acc, point.result, ...Object.values<string>(point.params)];
    for (const text of texts) expect(text).toMatch(/^\S.*\S\.$/);
  });

  test('leave out of the count what has other metrics', () => {
    expect(namesOf((point) => point.counted === false)).toEqual([...NOT_COUNTED].sort());
  });

  test('make those hooks global that concern no single host type', () => {
    expect(namesOf((point) => point.scope === 'global')).toEqual([...GLOBAL_HOOKS].sort());
  });

  test('close the hooks that guard something, and give guards over values a refusal', () => {
    expect(namesOf((point) => point.failure === 'closed')).toEqual([
      'get_personal_data',
      'get_personal_data_page',
      'privacy_check_packet',
      'privacy_get_user_list',
      'remove_domain',
      's2s_allow_host',
      'sasl2_tasks',
      'sasl_external',
      'session_opening_allowed_for_user',
      'user_open_session',
    ]);
    expect(namesOf((point) => point.refusal !== undefined)).toEqual([
      'get_personal_data',
      'get_personal_data_page',
      'privacy_get_user_list',
      'remove_domain',
      's2s_allow_host',
      'sasl2_tasks',
      'sasl_external',
      'session_opening_allowed_for_user',
    ]);
  });

  test('retire the five names that MongooseIM gave up', () => {
    expect(namesOf((point) => point.part === 'retired')).toEqual([
      'filter_pep_recipient',
      'get_pep_recipients',
      'mam_flush_messages',
      'mam_muc_flush_messages',
      'privacy_list_push',
    ]);
  });
});

describe('docs/hooks.md', () => {
  const page = readFileSync(new URL('../../../docs/hooks.md', import.meta.url), 'utf8');

  test('is what `node docs/hooks-table.ts` writes', () => {
    expect(page).toBe(hooksPage());
  });

  test('has a section for every hook, and a row in the table at the end', () => {
    for (const name of HOOK_NAMES) {
      expect(page).toContain(`\n### \`${name}\`\n`);
      expect(page).toContain(`\n| [\`${name}\`](#${name}) |`);
    }
  });

  test('links to sections that exist', () => {
    const anchors = new Set(
      [...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
        title!.toLowerCase().replaceAll('`', '').replaceAll(' ', '-'),
      ),
    );
    for (const [, target] of page.matchAll(/\]\(#([^)]*)\)/g)) expect(anchors).toContain(target);
  });
});
