import type { Command } from 'commander';
import { bashCompletion } from './bash';
import { fishCompletion } from './fish';
import { commandTree } from './tree';
import { zshCompletion } from './zsh';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export type Shell = keyof typeof SCRIPTS;
export const shells = Object.keys(SCRIPTS) as Shell[];

/** A script that completes a program's commands, flags and values in a shell. */
export function completionScript(program: Command, shell: Shell): string {
  return SCRIPTS[shell](commandTree(program));
}
