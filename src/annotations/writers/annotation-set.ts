import type { Annotated } from '../model/annotated';
import { CocoFile } from './coco';
import { CvatFile } from './cvat';
import { writeGeoJson } from './geojson';
import { LabelStudioFile } from './label-studio';
import { writeLabelme } from './labelme';
import { PanopticFile } from './panoptic';
import { VocFolder } from './voc';
import { YoloDataSet } from './yolo';

/** Formats that {@link AnnotationSet} writes. */
export const annotationKinds = [
  'coco',
  'panoptic',
  'labelme',
  'label-studio',
  'cvat',
  'yolo',
  'voc',
  'geojson',
] as const;
/** One of them. */
export type AnnotationKind = (typeof annotationKinds)[number];

/** A picture whose masks are written. */
export interface AnnotatedFile {
  /** What the picture is called in files about several: a path or URL. */
  readonly file: string;
  /** What files about it alone are called, without an ending. */
  readonly name: string;
  /**
   * Path of the picture from a folder of the set, as `'labelme'`: labelme opens it from there.
   * @default `file` itself
   */
  readonly pathFrom?: (folder: string) => string;
}

/** Keeps a file of the set: on a disk, in an archive, wherever. */
export type KeepFile = (path: string, bytes: Uint8Array) => void | Promise<void>;

/** Writes results in one format. Files about all pictures are written at the end, those about one as results come. */
interface Writer {
  add(picture: AnnotatedFile, result: Annotated): void | Promise<readonly string[]>;
  finish?(): void | Promise<void>;
}

/**
 * Annotations of many pictures, in every format that is asked for:
 *
 * - `coco.json`, `label-studio.json`, `cvat.xml`: one file for all
 * - `panoptic.json` with `panoptic/NAME.png`
 * - `labelme/NAME.json` and `NAME.geojson`: one for each
 * - `yolo/labels/NAME.txt` with `yolo/data.yaml`
 * - `voc/SegmentationClass/NAME.png` and `voc/SegmentationObject/NAME.png` with `voc/labelmap.txt`
 *
 * What is kept until the end is small; results are let go.
 *
 * @example
 * const files = {};
 * const set = new AnnotationSet(['coco', 'yolo'], (path, bytes) => void (files[path] = bytes));
 * await set.add({ file: 'cup.jpg', name: 'cup' }, result);
 * await set.finish();
 * Object.keys(files); // ['yolo/labels/cup.txt', 'coco.json', 'yolo/data.yaml']
 */
export class AnnotationSet {
  private readonly writers: readonly Writer[];
  private count = 0;

  /**
   * @param kinds formats; others are passed by.
   * @param keep is given each file, with slashes in its path.
   */
  constructor(
    kinds: readonly string[],
    private readonly keep: KeepFile,
  ) {
    this.writers = annotationKinds
      .filter((kind) => kinds.includes(kind))
      .map((kind) => this.writerOf(kind));
  }

  /**
   * Adds a picture's masks.
   *
   * @returns paths of the files that were written for this picture alone.
   */
  async add(picture: AnnotatedFile, result: Annotated): Promise<string[]> {
    this.count++;
    const files: string[] = [];
    for (const writer of this.writers) files.push(...((await writer.add(picture, result)) ?? []));
    return files;
  }

  /** Writes what is about all pictures, if there was any. */
  async finish(): Promise<void> {
    if (this.count > 0) for (const writer of this.writers) await writer.finish?.();
  }

  private writerOf(kind: AnnotationKind): Writer {
    const kept = async (path: string, bytes: Uint8Array) => {
      await this.keep(path, bytes);
      return [path];
    };
    /** A format of one file, which is built as results come. */
    const oneFile = (
      path: string,
      file: { add(file: string, result: Annotated): void; encode(): Uint8Array },
    ): Writer => ({
      add: (picture, result) => file.add(picture.file, result),
      finish: () => this.keep(path, file.encode()),
    });
    switch (kind) {
      case 'coco':
        return oneFile('coco.json', new CocoFile());
      case 'label-studio':
        return oneFile('label-studio.json', new LabelStudioFile());
      case 'cvat':
        return oneFile('cvat.xml', new CvatFile());
      case 'geojson':
        return { add: ({ name }, result) => kept(`${name}.geojson`, writeGeoJson(result)) };
      case 'labelme':
        return {
          async add({ file, name, pathFrom }, result) {
            const path = `labelme/${name}.json`;
            const image = pathFrom?.(path.slice(0, path.lastIndexOf('/'))) ?? file;
            return kept(path, await writeLabelme(image, result));
          },
        };
      case 'panoptic': {
        const panoptic = new PanopticFile();
        return {
          add: async ({ file, name }, result) =>
            kept(`panoptic/${name}.png`, await panoptic.add(file, `${name}.png`, result)),
          finish: () => this.keep('panoptic.json', panoptic.encode()),
        };
      }
      case 'yolo': {
        const yolo = new YoloDataSet();
        return {
          add: ({ name }, result) => kept(`yolo/labels/${name}.txt`, yolo.add(result)),
          finish: () => this.keep('yolo/data.yaml', yolo.encodeNames()),
        };
      }
      case 'voc': {
        const voc = new VocFolder();
        return {
          async add({ name }, result) {
            const { segmentationClass, segmentationObject } = await voc.add(result);
            return [
              ...(await kept(`voc/SegmentationClass/${name}.png`, segmentationClass)),
              ...(await kept(`voc/SegmentationObject/${name}.png`, segmentationObject)),
            ];
          },
          finish: () => this.keep('voc/labelmap.txt', voc.encodeClasses()),
        };
      }
    }
  }
}
