import { Argument, type Command, type Option } from 'commander';
import type { Runner } from './runner.ts';

const SHELLS = { bash, zsh, fish } as const;

export function addCompletion(program: Command, runner: Runner): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'whose script').choices(Object.keys(SHELLS)))
    .action((shell: keyof typeof SHELLS) =>
      runner.run(async (_target, io) => {
        io.out(scriptFor(shell, program));
        return 0;
      }),
    );
}

/** The script that completes the command in a shell. */
export function scriptFor(shell: keyof typeof SHELLS, program: Command): string {
  return SHELLS[shell](program);
}

/** A command below `meerkat`: its words, what it is, what it takes. */
interface Verb {
  readonly words: readonly string[];
  readonly description: string;
  readonly options: readonly Option[];
  readonly takesWords: boolean;
  readonly takesFile: boolean;
  readonly choices: readonly string[];
  readonly inner: readonly Command[];
}

function verbs(program: Command, words: readonly string[] = []): Verb[] {
  return [
    {
      words,
      description: program.description(),
      options: program.options,
      takesWords: program.registeredArguments.length > 0,
      takesFile: program.registeredArguments.some((argument) => argument.name() === 'file'),
      choices: program.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
      inner: program.commands,
    },
    ...program.commands.flatMap((command) => verbs(command, [...words, command.name()])),
  ];
}

function flagsOf(option: Option): string[] {
  return [option.short, option.long].filter((flag) => flag !== undefined);
}

/** What the value of an option is: a file, a directory, something else; undefined if it takes none. */
function valueKind(option: Option): 'file' | 'directory' | 'other' | undefined {
  if (!option.required) return undefined;
  if (/<(file|path)>/.test(option.flags)) return 'file';
  return /<directory>/.test(option.flags) ? 'directory' : 'other';
}

// ── bash ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function bash(program: Command): string {
  const all = verbs(program);
  const globals = program.options;
  const flagsWith = (...values: readonly string[]): string =>
    [...new Set(all.flatMap(({ options }) => options))]
      .filter((option) => values.includes(valueKind(option) ?? ''))
      .flatMap(flagsOf)
      .join('|');
  const paths = all.slice(1).map(({ words }) => `'${words.join(' ')}'`);
  const replies = all.map(({ words, options, inner, choices, takesFile }) => {
    const offered = [
      ...inner.map((command) => command.name()),
      ...choices,
      ...[...new Set([...options, ...globals])].flatMap(flagsOf),
      '--help',
    ];
    const files = takesFile ? ' $(compgen -f -- "$cur")' : '';
    return `    '${words.join(' ')}') COMPREPLY=($(compgen -W '${offered.join(' ')}' -- "$cur")${files}) ;;`;
  });
  return `# bash completion of meerkat: eval "$(meerkat completion bash)"
_meerkat() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path= next word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${flagsWith('file', 'directory', 'other')}) ((i++)) ;;
      -*) ;;
      *)
        next="\${path:+$path }$word"
        case $next in ${paths.join('|')}) path=$next ;; esac
        ;;
    esac
  done
  case $prev in
    ${flagsWith('file')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${flagsWith('directory')}) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ${flagsWith('other')}) COMPREPLY=(); return ;;
  esac
  case $path in
${replies.join('\n')}
  esac
}
complete -F _meerkat meerkat
`;
}

// ── zsh ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function zsh(program: Command): string {
  const functions = verbs(program).map((verb) => {
    const options = [...new Set([...verb.options, ...program.options])].map(
      (option) => `'${zshOption(option)}'`,
    );
    const name = zshName(verb.words);
    if (verb.inner.length === 0) {
      const rest = verb.takesFile
        ? ["'*:file:_files'"]
        : verb.choices.length > 0
          ? [`'1: :(${verb.choices.join(' ')})'`]
          : // Behind a word that it was not told of, zsh offers nothing more, not even options.
            verb.takesWords
            ? ["'*: :()'"]
            : [];
      return `${name}() {\n  _arguments ${[...options, ...rest].join(' \\\n    ')}\n}`;
    }
    const commands = verb.inner.map((inner) => `    '${inner.name()}:${zshText(inner.description())}'`);
    const calls = verb.inner.map(
      (inner) => `        ${inner.name()}) ${zshName([...verb.words, inner.name()])} ;;`,
    );
    return `${name}() {
  local state line
  local -a commands
  commands=(
${commands.join('\n')}
  )
  _arguments -C -A '-*' ${options.join(' \\\n    ')} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
${calls.join('\n')}
      esac
      ;;
  esac
}`;
  });
  return `#compdef meerkat
# zsh completion of meerkat: meerkat completion zsh > "\${fpath[1]}/_meerkat"
${functions.reverse().join('\n\n')}

if [ "$funcstack[1]" = _meerkat ]; then _meerkat "$@"; else compdef _meerkat meerkat; fi
`;
}

function zshName(words: readonly string[]): string {
  return ['_meerkat', ...words.map((word) => word.replaceAll('-', '_'))].join('_');
}

function zshOption(option: Option): string {
  const value = valueKind(option);
  const values = { file: ':file:_files', directory: ':directory:_files -/', other: ':value: ' };
  return `${option.long}[${zshText(option.description)}]${value === undefined ? '' : values[value]}`;
}

function zshText(text: string): string {
  return text.replace(/['[\]:\\]/g, (character) => (character === "'" ? "'\\''" : `\\${character}`));
}

// ── fish ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function fish(program: Command): string {
  const lines = verbs(program).flatMap(({ words, options, inner, choices, takesFile }) => {
    const condition = fishCondition(words, inner);
    return [
      ...inner.map(
        (command) =>
          `complete -c meerkat -n '${condition}' -f -a ${command.name()} -d ${fishText(command.description())}`,
      ),
      ...choices.map((choice) => `complete -c meerkat -n '${condition}' -f -a ${choice}`),
      ...(takesFile ? [`complete -c meerkat -n '${condition}' -F`] : []),
      ...options.map((option) => fishOption(option, words.length === 0 ? '' : ` -n '${condition}'`)),
    ];
  });
  return `# fish completion of meerkat: meerkat completion fish > ~/.config/fish/completions/meerkat.fish
complete -c meerkat -f
${lines.join('\n')}
`;
}

function fishCondition(words: readonly string[], inner: readonly Command[]): string {
  if (words.length === 0) return '__fish_use_subcommand';
  const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
  const names = inner.map((command) => command.name()).join(' ');
  return [...seen, ...(names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`])].join('; and ');
}

function fishOption(option: Option, condition: string): string {
  const value = valueKind(option);
  const values = { file: ' -r -F', directory: ' -x -a "(__fish_complete_directories)"', other: ' -x' };
  const name = option.long!.replace(/^--/, '');
  return `complete -c meerkat${condition} -l ${name}${value === undefined ? '' : values[value]} -d ${fishText(option.description)}`;
}

function fishText(text: string): string {
  return `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`;
}
