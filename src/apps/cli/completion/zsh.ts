import { type CommandTree, everyCommand, type Flag, type Value } from './tree';

/** A script for zsh: a file \`_seggpt\` in a directory of \`$fpath\`. */
export function zshCompletion(tree: CommandTree): string {
  const [name] = tree.path;
  const functions = everyCommand(tree).map(functionOf);
  return `#compdef ${name}
# Completion of ${name} for zsh; made by "${name} completion zsh".

${functions.join('\n')}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function functionOf({ path, flags, commands, argument }: CommandTree): string {
  const specs = flags.map(specOf);
  if (commands.length === 0) {
    if (argument !== 'unknown') specs.push(quoted(`*: :${actionOf(argument)}`));
    return `${nameOf(path)}() {\n  _arguments ${specs.join(' \\\n    ')}\n}\n`;
  }
  const names = commands.map(({ path: below, about }) =>
    quoted(`${below.at(-1)}:${about.replaceAll(':', '\\:')}`),
  );
  const cases = commands.map(({ path: below }) => `      ${below.at(-1)}) ${nameOf(below)} ;;`);
  return `${nameOf(path)}() {
  local curcontext=$curcontext state line
  local -a commands=(
    ${names.join('\n    ')}
  )
  _arguments -C ${[...specs, `'1: :->command'`, `'*:: :->rest'`].join(' \\\n    ')}
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}
`;
}

/** `*--cache=[directory for downloaded models]: :_directories`; each flag may be given again. */
function specOf({ names, about, values }: Flag): string {
  const takes = values.map((value) => `: :${actionOf(value)}`).join('');
  const text = about.replace(/[[\]]/g, '\\$&');
  const after = values.length > 0 ? '=' : '';
  return names.map((name) => quoted(`*${name}${after}[${text}]${takes}`)).join(' ');
}

function actionOf(value: Value): string {
  if (value === 'file') return '_files';
  if (value === 'directory') return '_directories';
  return value === 'unknown' ? ' ' : `(${value.join(' ')})`;
}

function nameOf(path: readonly string[]): string {
  return `_${path.join('_')}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
