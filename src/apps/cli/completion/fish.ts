import { type CommandTree, everyCommand, type Value } from './tree';

/** A script for fish. */
export function fishCompletion(tree: CommandTree): string {
  const [name] = tree.path;
  const lines = everyCommand(tree).flatMap(({ path, flags, commands, argument }) => {
    const begin = `complete -c ${name} -n ${quoted(conditionOf(path, commands))}`;
    return [
      ...(commands.length > 0 ? [`${begin} -f`] : [`${begin} ${argumentOf(argument)}`]),
      ...commands.map((below) => `${begin} -a ${below.path.at(-1)} -d ${quoted(below.about)}`),
      ...flags.map(({ names, about, values }) => {
        const spelled = names.map((each) =>
          each.startsWith('--') ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`,
        );
        const takes = values.length > 0 ? [valueOf(values[0])] : [];
        return [begin, ...spelled, ...takes, `-d ${quoted(about)}`].join(' ');
      }),
    ];
  });
  return `# Completion of ${name} for fish; made by "${name} completion fish".\n${lines.join('\n')}\n`;
}

/** Where a command's own words come: after its name, and before those of commands below it. */
function conditionOf(path: readonly string[], commands: readonly CommandTree[]): string {
  const below = commands.map((command) => command.path.at(-1)).join(' ');
  const here = path.slice(1).map((word) => `__fish_seen_subcommand_from ${word}`);
  const notYet = below ? [`not __fish_seen_subcommand_from ${below}`] : [];
  return [...here, ...notYet].join('; and ');
}

function argumentOf(value: Value): string {
  return value === 'file' || value === 'directory' ? '-F' : valueOf(value).replace('-x', '-f');
}

function valueOf(value: Value): string {
  if (value === 'file') return '-r';
  if (value === 'directory') return `-x -a '(__fish_complete_directories)'`;
  return value === 'unknown' ? '-x' : `-x -a ${quoted(value.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
