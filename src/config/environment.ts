/** `process.env`, or a part of it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that the server and the command look at. They override the file; options of the command override them. */
export const ENVIRONMENT_VARIABLES = [
  {
    name: 'MEERKAT_CONFIG',
    about:
      'The configuration file, where `--config` names none. Without either, the built-in defaults apply.',
  },
  {
    name: 'MEERKAT_DATA',
    about: 'Overrides `storage.directory`; itself overridden by `--data`. Relative to the working directory.',
  },
  { name: 'MEERKAT_LOGLEVEL', about: 'Overrides `general.loglevel`.' },
  { name: 'MEERKAT_ADMIN_SOCKET', about: 'Overrides `admin.socket`. Relative to the working directory.' },
] as const;

export type EnvironmentVariable = (typeof ENVIRONMENT_VARIABLES)[number]['name'];

/** The value of a variable; an empty one counts as not set. */
export function variable(env: Environment, name: EnvironmentVariable): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}
