import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import {
  engineSchema,
  everythingSchema,
  promptSchema,
  segmentationSchema,
  trackSchema,
} from '../../entries/options';
import type { Corners, Point } from '../../index';
import { precisions } from '../../entries/painter';
import { version } from '../../base/version';
import { type CacheFlags, clearCache, listCache } from './cache';
import { completionScript, type Shell, shells } from './completion';
import { evaluate, type EvaluateFlags } from './evaluate';
import { addExamples } from './examples';
import { addFlags, listOption, numberOf } from './flags';
import { info } from './info';
import { checkExamples, withConcept } from './concept';
import { click, everything, interactiveSaveKinds } from './interactive';
import { type LabelNames, parseLabelNames } from './label-names';
import { parsePrompt, type PromptFlag } from './prompt-pairs';
import { prepare, type PrepareFlags } from './prepare';
import { quantize } from './quantize';
import { saveKinds, segment, type SegmentFlags } from './segment';
import type { AppFlags } from './serve-app';
import { track, type TrackFlags, trackSaveKinds } from './track';
import { UsageError } from './usage-error';
import { Wording } from './wording';

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

  const segmenting = withModel(program.command('segment'));
  segmenting
    .description('Segment targets by one or more prompts, each an image and its mask.')
    .argument('<target...>', "pictures, directories of them, or quoted patterns ('photos/*.jpg')")
    .option('--prompt <image mask>', promptHelp, addPrompt)
    .option('--concept <file>', conceptHelp)
    .option('--labels <names>', labelsHelp, parseLabelNames)
    .option('--out <dir>', 'directory for what is saved', 'seggpt-out')
    .addOption(listOption('--save <kinds>', 'what to save', saveKinds, ['labels', 'overlay']))
    .option('--json', 'print one JSON object instead of lines', false)
    .action(
      async (targets: string[], { labels, ...flags }: Named<SegmentFlags>, command: Command) => {
        checkExamples(flags);
        const named = await withConcept({ ...flags, labelNames: labels }, command, signal);
        outcome.exitCode = await segment(targets, named, new Wording(program), signal);
      },
    );
  const { labelsPerPass: _, ...segmentation } = segmentationSchema;
  const names = Object.keys(segmentation) as (keyof typeof segmentation)[];
  addFlags(segmenting, segmentation, names);
  const promptFlags = Object.keys(promptSchema) as (keyof typeof promptSchema)[];
  addFlags(segmenting, promptSchema, promptFlags);

  const preparing = withModel(program.command('prepare'));
  preparing
    .description('Put examples in a concept, a file that segment and track take (--concept).')
    .option('--prompt <image mask>', promptHelp, addPrompt)
    .option('--concept <file>', 'a concept whose examples and options go into the new one')
    .option('--labels <names>', labelsHelp, parseLabelNames)
    .requiredOption('--out <file>', 'the concept, NAME.seggpt')
    .option('--json', 'print one JSON object instead of lines', false)
    .action(async ({ labels, ...flags }: Named<PrepareFlags>, command: Command) => {
      checkExamples(flags);
      const named = await withConcept({ ...flags, labelNames: labels }, command, signal);
      await prepare(named, signal);
    });
  addFlags(preparing, segmentation, names);
  addFlags(preparing, promptSchema, promptFlags);

  withModel(program.command('info'))
    .description('Show what a model is and what this machine can run it on.')
    .argument('[model]', 'directory, file, hub id or URL; the bundled model by default')
    .option('--json', 'print one JSON object instead of lines', false)
    .action(async (model: string | undefined, flags: SegmentFlags) => {
      await info(model ?? flags.model, flags, signal);
    });

  const tracking = withModel(program.command('track'));
  tracking
    .description('Follow objects through a video, or a directory of frames.')
    .argument('<source>', 'video file or directory of images')
    .option('--prompt <image mask>', promptHelp, addPrompt)
    .option('--concept <file>', conceptHelp)
    .option('--labels <names>', labelsHelp, parseLabelNames)
    .option('--first-mask <mask>', 'mask of the first frame')
    .option(
      '--fps <n>',
      "constant frame rate of a written video; without it the source's own times, 25 for a directory",
      numberOf({ kind: 'number', about: '', least: 0.01, most: 1000 }),
    )
    .option(
      '--out <path>',
      'a video (.mp4, .mov, .mkv, .webm, .gif), or a directory',
      'seggpt-track',
    )
    .addOption(listOption('--save <kinds>', 'what to save', trackSaveKinds, ['overlay']))
    .option('--json', 'print one JSON object instead of lines', false)
    .action(async (source: string, { labels, ...flags }: Named<TrackFlags>, command: Command) => {
      if (!flags.firstMask) checkExamples(flags, ', or --first-mask MASK');
      const given = { ...flags, labelNames: labels };
      const named = await withConcept(given, command, signal, ofPicturesAlone);
      outcome.exitCode = await track(source, named, new Wording(program), signal);
    });
  addFlags(tracking, trackSchema, ['memory', 'regionScale', 'selection']);
  addFlags(tracking, segmentationSchema, [
    'resolution',
    'quality',
    'refine',
    'seed',
    'minimumScore',
    'minimumArea',
  ]);
  addFlags(tracking, promptSchema, promptFlags);

  const clicking = withModel(program.command('click'));
  clicking
    .description('Segment the object that points or a box show (SAM).')
    .argument('<image>', 'picture or URL')
    .option('--point <x,y>', 'a pixel inside the object; repeat for more', addPoint)
    .option('--not <x,y>', 'a pixel outside; repeat for more', addPoint)
    .option('--box <x0,y0,x1,y1>', 'left, top, right and bottom of a box around it', parseBox)
    .option('--multimask', 'three masks: a whole, a part, a part of that', false)
    .option('--out <dir>', 'directory for what is saved', 'seggpt-out')
    .addOption(
      listOption('--save <kinds>', 'what to save', interactiveSaveKinds, ['overlay', 'masks']),
    )
    .option('--json', 'print one JSON object instead of lines', false)
    .action(async (image: string, { point = [], not = [], box, ...flags }: ClickFlags) => {
      if (point.length + not.length === 0 && !box)
        throw new UsageError('show something: give --point X,Y or --box X0,Y0,X1,Y1.');
      const points = [...point, ...not];
      const labels = [...point.map(() => 1), ...not.map(() => 0)];
      const prompt = { ...(points.length > 0 && { points, labels }), ...(box && { box }) };
      outcome.exitCode = await click(image, prompt, flags, signal);
    });

  const searching = withModel(program.command('everything'));
  searching
    .description('Find every object and part in pictures (SAM).')
    .argument('<target...>', "pictures, directories of them, or quoted patterns ('photos/*.jpg')")
    .option('--out <dir>', 'directory for what is saved', 'seggpt-out')
    .addOption(
      listOption('--save <kinds>', 'what to save', interactiveSaveKinds, ['overlay', 'json']),
    )
    .option('--json', 'print one JSON object instead of lines', false)
    .action(async (targets: string[], flags: Parameters<typeof everything>[1]) => {
      outcome.exitCode = await everything(targets, flags, signal);
    });
  addFlags(
    searching,
    everythingSchema,
    Object.keys(everythingSchema) as (keyof typeof everythingSchema)[],
  );

  const evaluating = withModel(program.command('evaluate'));
  evaluating
    .description(
      'Measure a model: mean IoU on labelled pictures, J and F on video, clicks on objects.',
    )
    .argument(
      '<directory>',
      'NAME.jpg beside NAME.png, in one folder for each data set or sequence or directly',
    )
    .addOption(
      new Option('--task <task>', 'what to measure')
        .choices(['images', 'video', 'clicks'])
        .default('images'),
    )
    .option('--shots <n>', 'images: prompts in each episode of different pictures', atLeastOne, 1)
    .option(
      '--episodes <n>',
      'images: episodes for each label; clicks: objects of each data set',
      atLeastOne,
      20,
    )
    .option('--seed <n>', 'images: seed of the episodes', numberOf(segmentationSchema.seed), 0)
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
        { task, ...flags }: EvaluateFlags & { task: EvaluateFlags['kind'] },
      ) => {
        await evaluate(directory, { ...flags, kind: task }, signal);
      },
    );
  addFlags(evaluating, trackSchema, ['memory', 'regionScale']);
  addFlags(evaluating, segmentationSchema, ['resolution', 'quality', 'refine', 'minimumScore']);

  program
    .command('app')
    .description('Serve the page in which people mark and find by hand, for this machine alone.')
    .argument('[folder]', 'pictures that the page opens')
    .option(
      '--port <n>',
      'port to listen on; 0 for any that is free',
      numberOf({ kind: 'whole', about: '', least: 0, most: 65_535 }),
      4321,
    )
    .action(async (folder: string | undefined, flags: AppFlags) => {
      const { serveApp } = await import('./serve-app');
      await serveApp(folder, flags, signal);
    });

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

  const caching = withCache(program.command('cache'))
    .description('List the models that were downloaded, with their sizes and dates.')
    .enablePositionalOptions() // what follows `clear` is its own
    .action((flags: CacheFlags) => listCache(flags));
  withCache(caching.command('clear'))
    .description('Remove a model that was downloaded, or all.')
    .argument('[name]', 'owner/name, owner/name@commit, owner/name@branch or URL')
    .action((model: string | undefined, flags: CacheFlags) =>
      clearCache(model, { ...caching.opts(), ...flags }),
    );

  program
    .command('completion')
    .description('Print a script that completes commands, flags and values in a shell.')
    .addArgument(new Argument('<shell>', 'whose script').choices(shells))
    .action((shell: Shell) => {
      process.stdout.write(completionScript(program, shell));
    });

  program.commands.forEach(finish);
  return program;
}

/** Commands inherit neither exitOverride nor the help hint. */
function finish(command: Command): void {
  command.exitOverride().showHelpAfterError('(run with --help for the options)');
  addExamples(command);
  command.commands.forEach(finish);
}

function withCache(command: Command): Command {
  return command
    .option('--cache <dir>', 'directory for downloaded models')
    .option('--json', 'print JSON instead of lines');
}

function withModel(command: Command): Command {
  command.option(
    '--model <model>',
    'directory, .safetensors or .pth file, hub id or URL',
    'bundled',
  );
  return addFlags(command, engineSchema, ['backend', 'precision', 'threads', 'deterministic'])
    .option('--cache <dir>', 'directory for downloaded models')
    .option('--offline', 'use downloaded models and never the network', false);
}

/** Flags as the parser has them: the library's `labelNames` is `--labels` there. */
type Named<Flags> = Flags & { readonly labels?: LabelNames };

const labelsHelp = 'names of labels, as in 1=cup,2=spoon';
const conceptHelp = 'examples and options that `seggpt prepare` put in a file';
/** Options that a concept may have and `track` has not. */
const ofPicturesAlone = ['ensemble', 'colors', 'instances', 'tiles'] as const;
const promptHelp =
  'an example and its mask, or a folder or annotation file of examples; repeat for more';

function addPrompt(value: string, previous: PromptFlag[] = []) {
  const prompt = parsePrompt(value);
  if (!prompt)
    throw new InvalidArgumentError(
      'Give an image and a mask, or many of both: --prompt IMAGE MASK, --prompt FOLDER, or --prompt ANNOTATIONS.json.',
    );
  return [...previous, prompt];
}

type ClickFlags = Parameters<typeof click>[2] & {
  readonly point?: readonly Point[];
  readonly not?: readonly Point[];
  readonly box?: Corners;
};

function addPoint(text: string, previous: readonly Point[] = []): Point[] {
  const [x, y] = numbersIn(text, 2, 'X,Y');
  return [...previous, [x, y]];
}

function parseBox(text: string): Corners {
  const [x0, y0, x1, y1] = numbersIn(text, 4, 'X0,Y0,X1,Y1');
  return [x0, y0, x1, y1];
}

function numbersIn(text: string, count: number, form: string): number[] {
  const numbers = text.split(',').map((number) => (number.trim() ? Number(number) : NaN));
  if (numbers.length !== count || !numbers.every(Number.isFinite))
    throw new InvalidArgumentError(`It must be ${form}, in pixels.`);
  return numbers;
}

const atLeastOne = numberOf({ kind: 'whole', about: '', least: 1, most: Infinity });
