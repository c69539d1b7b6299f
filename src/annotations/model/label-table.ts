import { InvalidInputError } from '../../base/errors';
import type { AnnotatedPicture } from './annotated-picture';

/** Labels by name. Pictures that are read with one table agree on what a name means. */
export type LabelTable = Map<string, number>;

const MOST = 255;

/**
 * Gives every name that a picture's objects have a label. A name that the table has keeps its label. A new one takes the
 * number that its file gives it (COCO's category id, VOC's index, YOLO's class and 1), if that is a label and nobody has it;
 * the others take the lowest labels that are free, in the order of the file's categories, and after those in the order of
 * objects.
 *
 * @param table grows by the new names.
 * @throws InvalidInputError for more than 255 names.
 */
export function labelObjects(
  { objects, categories = [] }: AnnotatedPicture,
  table: LabelTable,
  file: string,
): void {
  const shown = new Set(objects.map(({ name }) => name));
  const listed = categories.filter(({ name }) => shown.has(name));
  const taken = new Set(table.values());
  const give = (name: string, label: number) => {
    table.set(name, label);
    taken.add(label);
  };
  for (const { name, number } of listed) {
    const isLabel = number !== undefined && number >= 1 && number <= MOST && !taken.has(number);
    if (!table.has(name) && isLabel) give(name, number);
  }
  let free = 1;
  for (const name of [...listed.map((category) => category.name), ...shown]) {
    if (table.has(name)) continue;
    while (taken.has(free)) free++;
    if (free > MOST)
      throw new InvalidInputError(
        file,
        `"${name}" is one name too many: there may be at most ${MOST} labels; take fewer categories.`,
      );
    give(name, free);
  }
}
