import { basename, join, relative, resolve, sep } from 'node:path';
import { type Annotated, AnnotationSet } from '../../entries/annotations';
import { writeOutput } from './output';

/** Writes annotations into a directory, in every format that is asked for; see {@link AnnotationSet}. */
export class AnnotationFolder {
  private readonly set: AnnotationSet;

  constructor(
    private readonly out: string,
    kinds: readonly string[],
  ) {
    this.set = new AnnotationSet(kinds, (path, bytes) => writeOutput(join(out, path), bytes));
  }

  /** @returns the files written for this target alone. */
  async add(target: string, name: string, result: Annotated): Promise<string[]> {
    const { out } = this;
    const pathFrom = (folder: string) => from(join(out, folder), target);
    const written = await this.set.add({ file: target, name, pathFrom }, result);
    return written.map((path) => join(out, path));
  }

  /** Writes what is about all targets, if there was any. */
  finish(): Promise<void> {
    return this.set.finish();
  }
}

/** A target as a file in a folder names it: by its path from there, with slashes on every system; URLs as they are. */
function from(folder: string, target: string): string {
  if (/^[a-z]{2,}:/i.test(target)) return target;
  return relative(resolve(folder), resolve(target)).split(sep).join('/') || basename(target);
}
