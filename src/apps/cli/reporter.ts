import { progress, type ProgressResult } from '@clack/prompts';
import type { Progress } from '../../index';
import { sizeText } from './size-text';

const LABELS = {
  download: 'Downloading',
  load: 'Loading the model',
  prepare: 'Preparing the prompts',
  paint: 'Painting',
  encode: 'Encoding the picture',
  decode: 'Looking for masks',
};

/**
 * Shows progress on standard error: a bar on a terminal, a line for each stage otherwise. Standard
 * output is left to results.
 */
export class Reporter {
  private readonly interactive = process.stderr.isTTY;
  private bar: ProgressResult | undefined;
  private stage = '';
  private shown = 0;

  /** @param quiet show nothing but notes. */
  constructor(private readonly quiet = false) {}

  readonly onProgress = ({ stage, loaded, total, file, note }: Progress): void => {
    if (note) return this.note(`note: ${note}`);
    if (this.quiet) return;
    const name = `${LABELS[stage]}${file ? ` ${file}` : ''}`;
    if (name !== this.stage) {
      this.finish();
      this.stage = name;
      this.shown = 0;
      if (!this.interactive)
        process.stderr.write(
          `${name}${total && stage === 'download' ? ` (${sizeText(total)})` : ''} ...\n`,
        );
      else {
        this.bar = progress({
          max: Math.max(total, 1),
          output: process.stderr,
          indicator: 'timer',
        });
        this.bar.start(name);
      }
    }
    this.bar?.advance(
      loaded - this.shown,
      stage === 'download' ? `${name} ${sizeText(loaded)} of ${sizeText(total)}` : name,
    );
    this.shown = loaded;
  };

  /** Ends the bar in progress. */
  finish(): void {
    this.bar?.stop(this.stage);
    this.bar = undefined;
    this.stage = '';
  }

  /** A plain line. */
  line(text: string): void {
    if (!this.quiet) this.note(text);
  }

  /** What must be told, come what may: how something was read, or what was decided. */
  note(text: string): void {
    this.finish();
    process.stderr.write(`${text}\n`);
  }
}
