import type { Argument, Command, Option } from 'commander';

/** What may stand where a value is wanted: one of some words, a path, or something that nobody can guess. */
export type Value = readonly string[] | 'file' | 'directory' | 'unknown';

export interface Flag {
  /** `['-h', '--help']`. */
  readonly names: readonly string[];
  readonly about: string;
  /** None for a flag that is on or off. */
  readonly values: readonly Value[];
}

/** A command as completion sees it, read from the parser's own program, so that it cannot drift. */
export interface CommandTree {
  /** `['seggpt', 'cache', 'clear']`. */
  readonly path: readonly string[];
  readonly about: string;
  readonly flags: readonly Flag[];
  readonly commands: readonly CommandTree[];
  readonly argument: Value;
}

/** Placeholders of values that are no paths. */
const UNKNOWN = ['n', 'pixels', 'factor', 'distance', 'k', 'names', 'name', 'command'];

/** Reads a program and its commands. */
export function commandTree(command: Command, above: readonly string[] = []): CommandTree {
  const help = command.createHelp();
  const path = [...above, command.name()];
  const [argument] = command.registeredArguments;
  return {
    path,
    about: command.description(),
    flags: help.visibleOptions(command).map(flagOf),
    commands: help.visibleCommands(command).map((each) => commandTree(each, path)),
    argument: argument ? valueOf(argument, argument.name()) : 'unknown',
  };
}

/** All commands of a tree, itself first. */
export function everyCommand(tree: CommandTree): CommandTree[] {
  return [tree, ...tree.commands.flatMap(everyCommand)];
}

function flagOf(option: Option): Flag {
  const placeholders = /[<[](.*)[>\]]/.exec(option.flags)?.[1].split(' ') ?? [];
  return {
    names: [option.short, option.long].filter((name) => name != null),
    about: option.description,
    values: placeholders.map((placeholder) => valueOf(option, placeholder)),
  };
}

function valueOf({ argChoices }: Argument | Option, placeholder: string): Value {
  if (argChoices) return argChoices;
  if (UNKNOWN.includes(placeholder)) return 'unknown';
  return placeholder === 'dir' || placeholder === 'directory' ? 'directory' : 'file';
}
