import { InvalidInputError } from '../../base/errors';
import type { Polygon } from '../../masks/polygons';
import { boxOutline } from '../formats/outlines';
import type { AnnotatedObject, AnnotatedPicture, Category } from '../model/annotated-picture';
import { type TextInput, textOf } from '../model/entry';

/** What a YOLO file does not say itself. */
export interface YoloOptions {
  /** The picture's size in pixels: the file has shares of it. */
  readonly width: number;
  /** In pixels, too. */
  readonly height: number;
  /** Names of classes, from class 0 on, as `classes.txt` or `data.yaml` list them. @default their numbers */
  readonly names?: readonly string[];
  /** What messages call the file. @default 'YOLO file' */
  readonly file?: string;
}

/**
 * Reads the text file of one picture of a YOLO data set for segmentation (docs.ultralytics.com, "Instance Segmentation Datasets
 * Overview"): a line for each object, with its class and the points of one polygon as shares 0 … 1 of width and height. Four
 * numbers behind a class are the centre and size of a box. The class 0 is the label 1, and so on.
 *
 * @throws InvalidInputError naming the line: for numbers that are none, a class without a name, or a polygon of less than
 *   three points.
 */
export function readYolo(input: TextInput, options: YoloOptions): AnnotatedPicture {
  const { width, height, names, file = 'YOLO file' } = options;
  const categories: Category[] = (names ?? []).map((name, i) => ({ name, number: i + 1 }));
  const numbered = new Set<number>();
  const objects: AnnotatedObject[] = [];
  for (const [i, line] of textOf(input, file).split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const fail = (detail: string): never => {
      throw new InvalidInputError(file, `line ${i + 1} ${detail}`);
    };
    const [kind, ...shares] = line.trim().split(/\s+/).map(Number);
    if (!Number.isSafeInteger(kind) || kind < 0 || shares.some((each) => !Number.isFinite(each)))
      fail('must be a class (0, 1, …) and numbers.');
    if (names && kind >= names.length)
      fail(`has the class ${kind}, but there are names for 0 to ${names.length - 1} alone.`);
    if (shares.length !== 4 && (shares.length < 6 || shares.length % 2 !== 0))
      fail(`has ${shares.length} numbers behind its class; a polygon has three points or more.`);
    const name = names?.[kind] ?? String(kind);
    if (!names && !numbered.has(kind)) {
      numbered.add(kind);
      categories.push({ name, number: kind + 1 });
    }
    objects.push({ name, polygons: [outlineOf(shares, width, height)] });
  }
  return { width, height, objects, categories };
}

function outlineOf(shares: readonly number[], width: number, height: number): Polygon {
  if (shares.length > 4) return shares.map((share, i) => share * (i % 2 === 0 ? width : height));
  const [x, y, w, h] = shares;
  const [left, right] = [(x - w / 2) * width, (x + w / 2) * width];
  return boxOutline(left, (y - h / 2) * height, right, (y + h / 2) * height);
}

/**
 * The class names of a YOLO data set: the lines of a `classes.txt`, or `names:` of a `data.yaml`, in the forms in which
 * Ultralytics, Roboflow and CVAT write it (a list in brackets, a list of lines, or numbered lines).
 *
 * @throws InvalidInputError for a `data.yaml` whose names are in another form, or not numbered from 0 without a gap.
 */
export function readYoloNames(input: TextInput, file = 'data.yaml'): string[] {
  const text = textOf(input, file);
  const lines = text.split(/\r?\n/);
  const at = lines.findIndex((line) => /^names\s*:/.test(line));
  if (at < 0) {
    if (/\.ya?ml$/i.test(file)) throw new InvalidInputError(file, 'has no "names:".');
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  }
  const behind = lines[at].replace(/^names\s*:\s*/, '').replace(/\s+#.*$/, '');
  if (behind.startsWith('[')) {
    const rest = [behind, ...lines.slice(at + 1)].join(' ');
    const inner = /^\[(.*?)\]/.exec(rest)?.[1];
    if (inner === undefined)
      throw new InvalidInputError(file, 'has a list of names that does not end.');
    return [...inner.matchAll(/\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^,]+?)\s*(?:,|$)/g)].map(([, name]) =>
      plain(name),
    );
  }
  const names: string[] = [];
  for (const line of lines.slice(at + 1)) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, number, name] = /^\s*(?:-\s+|(\d+)\s*:\s*)(.+?)\s*$/.exec(line) ?? [];
    if (name === undefined) break;
    if (number !== undefined && Number(number) !== names.length)
      throw new InvalidInputError(
        file,
        `numbers "${name}" as ${number}, but ${names.length} comes next; names are numbered from 0 without a gap.`,
      );
    names.push(plain(name));
  }
  if (names.length === 0) throw new InvalidInputError(file, 'has no names below "names:".');
  return names;
}

/** What a YAML scalar stands for: in double quotes as in JSON, in single ones with these doubled, or as it is. */
function plain(name: string): string {
  if (/^'.*'$/.test(name)) return name.slice(1, -1).replaceAll("''", "'");
  if (!/^".*"$/.test(name)) return name;
  try {
    return String(JSON.parse(name));
  } catch {
    return name.slice(1, -1); // an escape that JSON lacks stays as it stands
  }
}
