import type { Command } from 'commander';

/** Lines that run as they stand, by command, with what they do. */
const EXAMPLES: Readonly<Record<string, readonly (readonly [does: string, line: string])[]>> = {
  segment: [
    [
      'Find what one click shows in all other pictures',
      'seggpt segment photos --prompt cup-1.jpg point:300,200 --out found',
    ],
    [
      'Find what is marked in one picture in another',
      'seggpt segment cup-2.jpg --prompt cup-1.jpg cup-1.png',
    ],
    [
      'In a whole directory, by a folder of examples, with names in coco.json',
      'seggpt segment photos --prompt examples --labels 1=cup --save overlay,coco --out found',
    ],
    [
      'In all JPEGs below a directory, by a mask that is a JPEG itself, as JSON',
      "seggpt segment 'photos/**/*.jpg' --prompt cup-1.jpg drawn.jpg --json",
    ],
  ],
  prepare: [
    [
      'Examples in a file, which finds cups elsewhere',
      'seggpt prepare --prompt cup-1.jpg cup-1.png --labels 1=cup --out cup.seggpt',
    ],
    ['Apply it', 'seggpt segment photos --concept cup.seggpt --out found'],
  ],
  click: [
    ['Segment what is under a pixel', 'seggpt click cup-1.jpg --point 300,200'],
    [
      'What is in a box, but not the handle, as JSON',
      'seggpt click cup-1.jpg --box 80,20,480,390 --not 440,200 --json',
    ],
  ],
  everything: [
    [
      'Every object and part, as an overlay and as masks.json',
      'seggpt everything photos --points-per-side 16 --out found',
    ],
  ],
  track: [
    [
      'Follow what the mask of the first frame marks',
      'seggpt track cat.mp4 --first-mask cat-first.png --out overlay.mp4',
    ],
    [
      'In a directory of frames, closely, with a label map for each',
      'seggpt track frames --prompt cup-1.jpg cup-1.png --region-scale 2 --save labels,overlay --out found',
    ],
  ],
  evaluate: [
    [
      'Mean IoU on labelled pictures, NAME.jpg beside NAME.png',
      'seggpt evaluate examples --episodes 5',
    ],
    ['J and F on sequences of frames', 'seggpt evaluate sequences --task video --memory 2'],
  ],
  app: [
    ['Open the page on a folder of pictures; Ctrl+C ends it', 'seggpt app photos'],
    ['On another port, without pictures', 'seggpt app --port 8080'],
  ],
  info: [
    ['The bundled model, and what this machine can run it on', 'seggpt info'],
    ['Another model, for programs', 'seggpt info model --json'],
  ],
  cache: [
    ['What was downloaded', 'seggpt cache'],
    ['The same for programs', 'seggpt cache --json'],
  ],
  clear: [
    ['Remove every commit of a model', 'seggpt cache clear BAAI/seggpt-vit-large'],
    ['Remove all', 'seggpt cache clear'],
  ],
  completion: [
    [
      'For bash; begin a new shell afterwards',
      'seggpt completion bash > ~/.local/share/bash-completion/completions/seggpt',
    ],
    ['For zsh, in a directory of $fpath', 'seggpt completion zsh > ~/.zfunc/_seggpt'],
    ['For fish', 'seggpt completion fish > ~/.config/fish/completions/seggpt.fish'],
  ],
  quantize: [['Write a quarter of the bytes', 'seggpt quantize model model-int8']],
};

/** Shows a command's examples at the end of its help. */
export function addExamples(command: Command): void {
  const lines = (EXAMPLES[command.name()] ?? []).map(([does, line]) => `  # ${does}\n  ${line}\n`);
  if (lines.length > 0) command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
