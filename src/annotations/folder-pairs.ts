/** Data sets that are folders of pictures beside folders of annotations. */
export type FolderLayout = 'voc' | 'davis' | 'yolo';

/** A picture and its annotation, by paths from the data set's folder. */
export interface FolderPair {
  /** The picture. */
  readonly image: string;
  /** Its annotation: a PNG of VOC and DAVIS, a text file of YOLO. */
  readonly annotation: string;
  /** VOC's `SegmentationObject`, where it has the picture, too. */
  readonly objects?: string;
}

/** What belongs together in a folder. */
export interface FolderPairs {
  /** Which layout it has. */
  readonly layout: FolderLayout;
  /** In the order of annotations. */
  readonly pairs: readonly FolderPair[];
  /** The file of names: `labelmap.txt` of VOC, `data.yaml` or `classes.txt` of YOLO. */
  readonly names?: string;
  /** Annotations without a picture. */
  readonly alone: readonly string[];
}

const PICTURE = /\.(jpe?g|png|webp|avif|tiff?|bmp)$/i;

/**
 * Finds what belongs together in a folder, by the names that these layouts have:
 *
 * - VOC: `SegmentationClass/NAME.png` with `JPEGImages/NAME.*` (and `SegmentationObject/NAME.png`)
 * - DAVIS: `Annotations/…/NAME.png` with `JPEGImages/…/NAME.*`, in the same folder of either
 * - YOLO: `labels/…/NAME.txt` with `images/…/NAME.*`, the folders at any depth (`train/labels`, `labels/train`)
 *
 * Pictures without an annotation do not count: such data sets have many.
 *
 * @param files paths from the data set's folder, with slashes.
 * @returns `null` if there is nothing of the kind.
 */
export function findFolderPairs(files: readonly string[]): FolderPairs | null {
  const sorted = [...files].sort();
  const pictures = new Map<string, string>();
  for (const file of sorted) if (PICTURE.test(file)) pictures.set(withoutEnding(file), file);
  const all = new Set(sorted);
  const match = (layout: FolderLayout, annotation: RegExp, from: RegExp, to: string) => {
    const found = sorted.filter((file) => annotation.test(file));
    const pairs: FolderPair[] = [];
    const alone: string[] = [];
    for (const file of found) {
      const image = pictures.get(withoutEnding(file).replace(from, to));
      const objects = file.replace(/^SegmentationClass\//, 'SegmentationObject/');
      if (image === undefined) alone.push(file);
      else if (layout === 'voc' && all.has(objects))
        pairs.push({ image, annotation: file, objects });
      else pairs.push({ image, annotation: file });
    }
    const names = nameFiles[layout].find((name) => all.has(name));
    return pairs.length > 0 ? { layout, pairs, names, alone } : null;
  };
  return (
    match('voc', /^SegmentationClass\/[^/]+\.png$/i, /^SegmentationClass/, 'JPEGImages') ??
    match('davis', /^Annotations\/.+\.png$/i, /^Annotations/, 'JPEGImages') ??
    match('yolo', /(^|\/)labels\/.+\.txt$/i, /(^|.*\/)labels\//, '$1images/')
  );
}

/** Names of the files that say what a layout's numbers mean, the first that is there counts. */
export const nameFiles: Readonly<Record<FolderLayout, readonly string[]>> = {
  voc: ['labelmap.txt'],
  davis: [],
  yolo: ['data.yaml', 'data.yml', 'dataset.yaml', 'classes.txt'],
};

function withoutEnding(file: string): string {
  return file.replace(/\.[^./]*$/, '');
}
