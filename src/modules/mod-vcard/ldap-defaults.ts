import type { Mapping } from './ldap-entry.ts';

/** What the cards are made of, if `vcard_map` does not say otherwise: attributes of `inetOrgPerson` (RFC 2798) and its like. */
export const VCARD_MAP: readonly Mapping[] = [
  { vcard_field: 'NICKNAME', ldap_pattern: '%u', ldap_field: '' },
  { vcard_field: 'FN', ldap_pattern: '%s', ldap_field: 'displayName' },
  { vcard_field: 'FAMILY', ldap_pattern: '%s', ldap_field: 'sn' },
  { vcard_field: 'GIVEN', ldap_pattern: '%s', ldap_field: 'givenName' },
  { vcard_field: 'MIDDLE', ldap_pattern: '%s', ldap_field: 'initials' },
  { vcard_field: 'ORGNAME', ldap_pattern: '%s', ldap_field: 'o' },
  { vcard_field: 'ORGUNIT', ldap_pattern: '%s', ldap_field: 'ou' },
  { vcard_field: 'CTRY', ldap_pattern: '%s', ldap_field: 'c' },
  { vcard_field: 'LOCALITY', ldap_pattern: '%s', ldap_field: 'l' },
  { vcard_field: 'STREET', ldap_pattern: '%s', ldap_field: 'street' },
  { vcard_field: 'REGION', ldap_pattern: '%s', ldap_field: 'st' },
  { vcard_field: 'PCODE', ldap_pattern: '%s', ldap_field: 'postalCode' },
  { vcard_field: 'TITLE', ldap_pattern: '%s', ldap_field: 'title' },
  { vcard_field: 'URL', ldap_pattern: '%s', ldap_field: 'labeledURI' },
  { vcard_field: 'DESC', ldap_pattern: '%s', ldap_field: 'description' },
  { vcard_field: 'TEL', ldap_pattern: '%s', ldap_field: 'telephoneNumber' },
  { vcard_field: 'EMAIL', ldap_pattern: '%s', ldap_field: 'mail' },
  { vcard_field: 'BDAY', ldap_pattern: '%s', ldap_field: 'birthDay' },
  { vcard_field: 'ROLE', ldap_pattern: '%s', ldap_field: 'employeeType' },
  { vcard_field: 'PHOTO', ldap_pattern: '%s', ldap_field: 'jpegPhoto' },
];

/** What can be searched for, without `search_fields`. */
export const SEARCHED = [
  { search_field: 'User', ldap_field: '%u' },
  { search_field: 'Full Name', ldap_field: 'displayName' },
  { search_field: 'Given Name', ldap_field: 'givenName' },
  { search_field: 'Middle Name', ldap_field: 'initials' },
  { search_field: 'Family Name', ldap_field: 'sn' },
  { search_field: 'Nickname', ldap_field: '%u' },
  { search_field: 'Birthday', ldap_field: 'birthDay' },
  { search_field: 'Country', ldap_field: 'c' },
  { search_field: 'City', ldap_field: 'l' },
  { search_field: 'Email', ldap_field: 'mail' },
  { search_field: 'Organization Name', ldap_field: 'o' },
  { search_field: 'Organization Unit', ldap_field: 'ou' },
] as const;

/** What a search shows, without `search_reported`. */
export const REPORTED = [
  { search_field: 'Full Name', vcard_field: 'FN' },
  { search_field: 'Given Name', vcard_field: 'GIVEN' },
  { search_field: 'Middle Name', vcard_field: 'MIDDLE' },
  { search_field: 'Family Name', vcard_field: 'FAMILY' },
  { search_field: 'Nickname', vcard_field: 'NICKNAME' },
  { search_field: 'Birthday', vcard_field: 'BDAY' },
  { search_field: 'Country', vcard_field: 'CTRY' },
  { search_field: 'City', vcard_field: 'LOCALITY' },
  { search_field: 'Email', vcard_field: 'EMAIL' },
  { search_field: 'Organization Name', vcard_field: 'ORGNAME' },
  { search_field: 'Organization Unit', vcard_field: 'ORGUNIT' },
] as const;
