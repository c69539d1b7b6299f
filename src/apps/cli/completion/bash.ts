import { type CommandTree, everyCommand, type Value } from './tree';

/** A script for bash. It needs no bash-completion. */
export function bashCompletion(tree: CommandTree): string {
  const commands = everyCommand(tree);
  const deeper = commands.slice(1).map(({ path }) => quoted(path.join(' ')));
  const valued = commands.flatMap(({ path, flags }) =>
    flags
      .filter(({ values }) => values.length > 0)
      .map(({ names, values }) => {
        const cases = names.map((name) => quoted(`${path.join(' ')} ${name}`)).join('|');
        return `    ${cases}) ${complete(values[0])}; return ;;`;
      }),
  );
  const flags = commands.map(
    ({ path, flags: all }) =>
      `      ${quoted(path.join(' '))}) ${words(all.flatMap(({ names }) => names))} ;;`,
  );
  const rest = commands.map(({ path, commands: below, argument }) => {
    const names = below.map((command) => command.path.at(-1)!);
    return `    ${quoted(path.join(' '))}) ${complete(names.length > 0 ? names : argument)} ;;`;
  });
  const name = tree.path[0];
  return `# Completion of ${name} for bash; made by "${name} completion bash".
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command=${name} i
  # "--flag=value" comes as three words.
  [[ $previous == = ]] && previous=\${COMP_WORDS[COMP_CWORD - 2]}
  [[ $current == = ]] && current=
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
      ${deeper.join('|')}) command="$command \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command $previous" in
${valued.join('\n')}
  esac
  if [[ $current == -* ]]; then
    case "$command" in
${flags.join('\n')}
    esac
    return
  fi
  case "$command" in
${rest.join('\n')}
  esac
}
complete -o bashdefault -o default -F _${name} ${name}
`;
}

/** Nothing in COMPREPLY means files, by \`-o default\`; where that is wrong it is taken back for this one time. */
function complete(value: Value): string {
  if (value === 'file') return ':';
  if (value === 'directory') return 'compopt +o bashdefault +o default -o dirnames 2>/dev/null';
  if (value === 'unknown') return 'compopt +o bashdefault +o default 2>/dev/null';
  return words(value);
}

function words(all: readonly string[]): string {
  return `COMPREPLY=($(compgen -W ${quoted(all.join(' '))} -- "$current"))`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
