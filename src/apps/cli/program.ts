import { Command, InvalidArgumentError, Option } from 'commander';
import { colorSchemes } from '../../colors/color-mapping';
import { upsamplings } from '../../colors/decode';
import { backendChoices, precisions } from '../../engines/create-engine';
import { ensembles, tasks } from '../../tasks/in-context/pipeline';
import { version } from '../../base/version';
import { evaluate, type EvaluateFlags } from './evaluate';
import { info } from './info';
import { splitPair } from './prompt-pairs';
import { quantize } from './quantize';
import { saveKinds, segment, type SegmentFlags } from './segment';
import { track, type TrackFlags, trackSaveKinds } from './track';

/** Bad usage that the parser cannot see. */
export class UsageError extends Error {}

/** Where a command leaves its exit code when it does not fail as a whole. */
export interface Outcome {
  exitCode: number;
}

export function createProgram(signal: AbortSignal, outcome: Outcome): Command {
  const program = new Command('seggpt')
    .description('Segment pictures by example (SegGPT).')
    .version(version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError('(run with --help for the options)');

  withModel(program.command('segment'))
    .description('Segment targets by one or more prompts, each an image and its mask.')
    .argument('<target...>', 'pictures to segment')
    .requiredOption('--prompt <image mask>', 'an example and its mask; repeat for more', addPrompt)
    .addOption(
      new Option('--task <task>', 'which type token the model is given')
        .choices(tasks)
        .default('instance'),
    )
    .addOption(
      new Option('--ensemble <kind>', 'how several prompts act together')
        .choices(ensembles)
        .default('feature'),
    )
    .addOption(
      new Option('--colors <scheme>', 'how labels get colours')
        .choices(colorSchemes)
        .default('random'),
    )
    .addOption(
      new Option('--upsampling <kind>', 'how masks reach the size of the target')
        .choices(upsamplings)
        .default('smooth'),
    )
    .option(
      '--color-ensemble <n>',
      'paint in this many random colourings and average',
      numberIn(1, 64, 'whole'),
      1,
    )
    .option('--seed <n>', 'seed of the random colours', seed, 0)
    .option('--resolution <pixels>', 'side of the square pictures are squeezed to', resolution)
    .option(
      '--tolerance <distance>',
      'join mask colours closer than this; for JPEG masks',
      numberIn(0, 441),
    )
    .option('--resize-masks', 'resize masks that differ in size from their image', false)
    .option('--max-pixels <n>', 'largest picture to read', atLeastOne)
    .option('--out <dir>', 'directory for what is saved', 'seggpt-out')
    .option('--save <kinds>', `comma-separated: ${saveKinds.join(', ')}`, kindsOf(saveKinds), [
      'labels',
      'overlay',
    ])
    .option('--json', 'print one JSON object instead of lines', false)
    .action(async (targets: string[], flags: SegmentFlags) => {
      outcome.exitCode = await segment(targets, flags, signal);
    });

  withModel(program.command('info'))
    .description('Show what a model is and what this machine can run it on.')
    .argument('[model]', 'directory, file, hub id or URL; the bundled model by default')
    .option('--json', 'print one JSON object instead of lines', false)
    .action(async (model: string | undefined, flags: SegmentFlags) => {
      await info(model ?? flags.model, flags, signal);
    });

  withModel(program.command('track'))
    .description('Follow objects through a video, or a directory of frames.')
    .argument('<source>', 'video file or directory of images')
    .option('--prompt <image mask>', 'an example and its mask; repeat for more', addPrompt)
    .option('--first-mask <mask>', 'mask of the first frame')
    .option('--memory <k>', 'earlier frames that join the prompts', memory, 0)
    .option(
      '--follow <factor>',
      'segment a region this many times the objects; 0 for whole frames',
      follow,
      0,
    )
    .addOption(
      new Option('--selection <kind>', 'which frames are remembered')
        .choices(['recent', 'distinct'])
        .default('recent'),
    )
    .option('--resolution <pixels>', 'side of the square pictures are squeezed to', resolution)
    .option('--fps <n>', 'frame rate of a written video', numberIn(0.01, 1000), 25)
    .option('--out <path>', 'a video file, or a directory', 'seggpt-track')
    .option(
      '--save <kinds>',
      `comma-separated: ${trackSaveKinds.join(', ')}`,
      kindsOf(trackSaveKinds),
      ['overlay'],
    )
    .option('--json', 'print one JSON object instead of lines', false)
    .action(async (source: string, flags: TrackFlags) => {
      if (!flags.prompt && !flags.firstMask)
        throw new UsageError('give --prompt IMAGE MASK, or --first-mask MASK.');
      outcome.exitCode = await track(source, flags, signal);
    });

  withModel(program.command('evaluate'))
    .description('Measure a model: mean IoU on labelled pictures, J and F on video.')
    .argument('<directory>', 'one folder for each data set or sequence, NAME.jpg beside NAME.png')
    .addOption(
      new Option('--task <task>', 'what to measure').choices(['images', 'video']).default('images'),
    )
    .option('--memory <k>', 'video: earlier frames that join the prompt', memory, 0)
    .option('--follow <factor>', 'video: region around the objects; 0 for whole frames', follow, 0)
    .option('--shots <n>', 'images: prompts in each episode of different pictures', atLeastOne, 1)
    .option('--episodes <n>', 'images: episodes for each label', atLeastOne, 20)
    .option('--seed <n>', 'images: seed of the episodes', seed, 0)
    .option('--resolution <pixels>', 'side of the square pictures are squeezed to', resolution)
    .addOption(
      new Option(
        '--against <precision>',
        'images: the same model at another precision beside it',
      ).choices(precisions),
    )
    .option('--grabcut', 'images: GrabCut from the copied mask beside it (needs OpenCV)', false)
    .option('--json', 'print JSON instead of a table', false)
    .action(
      async (
        directory: string,
        { task, ...flags }: EvaluateFlags & { task: 'images' | 'video' },
      ) => {
        await evaluate(directory, { ...flags, kind: task }, signal);
      },
    );

  program
    .command('quantize')
    .description('Write a model with int8 weights and one scale for each output channel.')
    .argument('<model>', 'directory, file, hub id or URL')
    .argument('<out>', 'directory to write')
    .option('--cache <dir>', 'directory for downloaded models')
    .option('--offline', 'use downloaded models and never the network', false)
    .action(async (model: string, out: string, flags: { cache?: string; offline: boolean }) => {
      await quantize(model, out, flags, signal);
    });

  // Commands inherit neither exitOverride nor the help hint.
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError('(run with --help for the options)');
  return program;
}

function withModel(command: Command): Command {
  return command
    .option('--model <model>', 'directory, .safetensors or .pth file, hub id or URL', 'bundled')
    .addOption(
      new Option('--backend <name>', 'who computes').choices(backendChoices).default('auto'),
    )
    .addOption(new Option('--precision <kind>', 'how weights are kept').choices(precisions))
    .option('--threads <n>', 'threads of the CPU engine', atLeastOne)
    .option('--cache <dir>', 'directory for downloaded models')
    .option('--offline', 'use downloaded models and never the network', false);
}

function addPrompt(value: string, previous: { image: string; mask: string }[] = []) {
  const pair = splitPair(value);
  if (!pair) throw new InvalidArgumentError('Give an image and a mask: --prompt IMAGE MASK.');
  return [...previous, pair];
}

/** A parser of numbers from `least` to `most`; whatever else is given is refused in the option's name. */
function numberIn(least: number, most: number, whole?: 'whole') {
  const kind = whole ? 'whole number' : 'number';
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  return (text: string): number => {
    const value = text.trim() ? Number(text) : NaN; // Number('') is 0
    const fits = Number.isFinite(value) && value >= least && value <= most;
    if (!fits || (whole && !Number.isInteger(value)))
      throw new InvalidArgumentError(`It must be a ${kind} ${range}.`);
    return value;
  };
}

// The ranges of the library, so that nothing is loaded before an option is refused.
const seed = numberIn(0, 2 ** 32 - 1, 'whole');
const resolution = numberIn(16, 2048, 'whole');
const memory = numberIn(0, 64, 'whole');
const atLeastOne = numberIn(1, Infinity, 'whole');
/** 0 for whole frames, or a factor. */
const follow = (text: string): number => (text === '0' ? 0 : numberIn(1, 16)(text));

function kindsOf(allowed: readonly string[]) {
  return (value: string): string[] => {
    const kinds = value.split(',').map((kind) => kind.trim());
    const unknown = kinds.find((kind) => !allowed.includes(kind));
    if (unknown !== undefined)
      throw new InvalidArgumentError(`"${unknown}" is none of ${allowed.join(', ')}.`);
    return kinds;
  };
}
