import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { Annotated } from '../../entries/annotations';
import { writeOutput } from './output';

/** Formats of annotations that `--save` knows. */
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
export type AnnotationKind = (typeof annotationKinds)[number];

/** Writes results in one format. Files of all targets are written at the end, those of one as results come. */
interface Saver {
  /** @returns the files written for this target alone. */
  add(target: string, name: string, result: Annotated): Promise<string[]>;
  finish?(): Promise<void>;
}

/**
 * Writes annotations into a directory, in every format that is asked for:
 *
 * - `coco.json`, `label-studio.json`, `cvat.xml`: one file for all targets
 * - `panoptic.json` with `panoptic/NAME.png`
 * - `labelme/NAME.json` and `NAME.geojson`: one for each
 * - `yolo/labels/NAME.txt` with `yolo/data.yaml`
 * - `voc/SegmentationClass/NAME.png` and `voc/SegmentationObject/NAME.png` with `voc/labelmap.txt`
 *
 * What is kept until the end is small; results are let go.
 */
export async function annotationSavers(out: string, kinds: readonly string[]) {
  const wanted = annotationKinds.filter((kind) => kinds.includes(kind));
  const savers: Saver[] = [];
  for (const kind of wanted) savers.push(await saverOf(kind, out));
  let count = 0;
  return {
    async add(target: string, name: string, result: Annotated): Promise<string[]> {
      count++;
      const files: string[] = [];
      for (const saver of savers) files.push(...(await saver.add(target, name, result)));
      return files;
    },
    /** Writes what is about all targets, if there was any. */
    async finish(): Promise<void> {
      if (count > 0) for (const saver of savers) await saver.finish?.();
    },
  };
}

async function saverOf(kind: AnnotationKind, out: string): Promise<Saver> {
  const formats = await import('../../entries/annotations');
  const write = async (path: string, bytes: Uint8Array) => {
    const file = join(out, path);
    await writeOutput(file, bytes);
    return file;
  };
  /** A format of one file, which is built as results come. */
  const oneFile = (
    path: string,
    file: { add(target: string, result: Annotated): void; encode(): Uint8Array },
  ): Saver => ({
    async add(target, _name, result) {
      file.add(target, result);
      return [];
    },
    finish: async () => void (await write(path, file.encode())),
  });
  switch (kind) {
    case 'coco':
      return oneFile('coco.json', new formats.CocoFile());
    case 'label-studio':
      return oneFile('label-studio.json', new formats.LabelStudioFile());
    case 'cvat':
      return oneFile('cvat.xml', new formats.CvatFile());
    case 'geojson':
      return {
        add: async (_target, name, result) => [
          await write(`${name}.geojson`, formats.writeGeoJson(result)),
        ],
      };
    case 'labelme':
      return {
        async add(target, name, result) {
          const path = `labelme/${name}.json`;
          const image = from(dirname(join(out, path)), target);
          return [await write(path, await formats.writeLabelme(image, result))];
        },
      };
    case 'panoptic': {
      const panoptic = new formats.PanopticFile();
      return {
        async add(target, name, result) {
          const png = await panoptic.add(target, `${name}.png`, result);
          return [await write(`panoptic/${name}.png`, png)];
        },
        finish: async () => void (await write('panoptic.json', panoptic.encode())),
      };
    }
    case 'yolo': {
      const yolo = new formats.YoloDataSet();
      return {
        add: async (_target, name, result) => [
          await write(`yolo/labels/${name}.txt`, yolo.add(result)),
        ],
        finish: async () => void (await write('yolo/data.yaml', yolo.encodeNames())),
      };
    }
    case 'voc': {
      const voc = new formats.VocFolder();
      return {
        async add(_target, name, result) {
          const { segmentationClass, segmentationObject } = await voc.add(result);
          return [
            await write(`voc/SegmentationClass/${name}.png`, segmentationClass),
            await write(`voc/SegmentationObject/${name}.png`, segmentationObject),
          ];
        },
        finish: async () => void (await write('voc/labelmap.txt', voc.encodeClasses())),
      };
    }
  }
}

/** A target as a file in a folder names it: by its path from there, with slashes on every system; URLs as they are. */
function from(folder: string, target: string): string {
  if (/^[a-z]{2,}:/i.test(target)) return target;
  return relative(resolve(folder), resolve(target)).split(sep).join('/') || basename(target);
}
