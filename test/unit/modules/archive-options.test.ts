import { describe, expect, it } from 'vitest';
import mod_mam from '../../../src/modules/mod-mam/mod-mam.ts';
import { type MamOptions, pmOptions } from '../../../src/modules/mod-mam/options.ts';

const parse = (given: object): MamOptions => mod_mam.options.parse(given);

describe('the options of archives', () => {
  it('have the names and defaults of MongooseIM', () => {
    expect(parse({})).toEqual({
      backend: 'rdbms',
      cache_users: true,
      no_stanzaid_element: false,
      archive_chat_markers: false,
      message_retraction: true,
      full_text_search: true,
      default_result_limit: 50,
      max_result_limit: 50,
      enforce_simple_queries: false,
      delete_domain_limit: 'infinity',
      keep_days: 'infinity',
      keep_messages: 'infinity',
    });
  });

  it('of the section for users win over those of the module; without the section nothing is archived', () => {
    expect(pmOptions(parse({}))).toBeUndefined();
    const whole = pmOptions(parse({ max_result_limit: 20, full_text_search: false, pm: {} }))!;
    expect(whole).toMatchObject({ max_result_limit: 20, full_text_search: false, hasPrefs: false });
    const own = pmOptions(
      parse({
        max_result_limit: 20,
        user_prefs_store: 'mnesia',
        pm: { max_result_limit: 30, message_retraction: false },
      }),
    )!;
    expect(own).toMatchObject({
      max_result_limit: 30,
      message_retraction: false,
      full_text_search: true,
      hasPrefs: true,
      archive_groupchats: false,
    });
  });

  it.each([
    [{ backend: 'cassandra' }, 'backend'],
    [{ backend: 'elasticsearch' }, 'backend'],
    [{ user_prefs_store: 'cassandra' }, 'user_prefs_store'],
    [{ max_result_limit: 0 }, 'max_result_limit'],
    [{ max_result_limit: 1_001 }, 'max_result_limit'],
    [{ keep_days: 0 }, 'keep_days'],
    [{ pm: { backend: 'rdbms' } }, 'pm'],
    [{ pm: { keep_days: 3 } }, 'pm'],
    [{ nonsense: true }, undefined],
  ])('are checked: %j', (given, place) => {
    const { error } = mod_mam.options.safeParse(given);
    expect(error?.issues[0]?.path[0]).toBe(place);
  });
});
