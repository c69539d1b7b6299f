import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { type Annotated, annotatedOf } from '../../src/annotations/model/annotated';
import type { AnnotatedPicture } from '../../src/annotations/model/annotated-picture';
import { toLabelMap } from '../../src/annotations/model/to-label-map';
import { readCoco } from '../../src/annotations/readers/coco';
import { readCvat } from '../../src/annotations/readers/cvat';
import { readLabelme } from '../../src/annotations/readers/labelme';
import { readLabelStudio } from '../../src/annotations/readers/label-studio';
import { readVoc, readVocClasses } from '../../src/annotations/readers/voc';
import { readYolo, readYoloNames } from '../../src/annotations/readers/yolo';
import { CocoFile } from '../../src/annotations/writers/coco';
import { CvatFile } from '../../src/annotations/writers/cvat';
import { writeGeoJson } from '../../src/annotations/writers/geojson';
import { writeLabelme } from '../../src/annotations/writers/labelme';
import { LabelStudioFile } from '../../src/annotations/writers/label-studio';
import { PanopticFile } from '../../src/annotations/writers/panoptic';
import { VocFolder } from '../../src/annotations/writers/voc';
import { YoloDataSet } from '../../src/annotations/writers/yolo';
import { polygonsToMask } from '../../src/masks/fill-polygons';
import { Mask } from '../../src/masks/mask';
import { readMask } from '../../src/masks/read-mask';
import { labelColors } from '../../src/masks/label-colors';
import { scene } from './fixtures';

const parse = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

/** Writes a result in every format, as `file: bytes`. */
async function writeAll(file: string, result: Annotated): Promise<Record<string, Uint8Array>> {
  const [coco, polygons] = [new CocoFile(), new CocoFile({ segmentation: 'polygons' })];
  coco.add(file, result);
  polygons.add(file, result);
  const panoptic = new PanopticFile();
  const png = await panoptic.add(file, 'scene.png', result);
  const studio = new LabelStudioFile();
  studio.add(file, result);
  const cvat = new CvatFile();
  cvat.add(file, result);
  const yolo = new YoloDataSet();
  const text = yolo.add(result);
  const voc = new VocFolder();
  const { segmentationClass, segmentationObject } = await voc.add(result);
  return {
    'coco.json': coco.encode(),
    'coco-polygons.json': polygons.encode(),
    'panoptic.json': panoptic.encode(),
    'panoptic/scene.png': png,
    'labelme.json': await writeLabelme(file, result),
    'labelme-masks.json': await writeLabelme(file, result, { shapes: 'masks' }),
    'label-studio.json': studio.encode(),
    'cvat.xml': cvat.encode(),
    'yolo/scene.txt': text,
    'yolo/data.yaml': yolo.encodeNames(),
    'voc/SegmentationClass/scene.png': segmentationClass,
    'voc/SegmentationObject/scene.png': segmentationObject,
    'voc/labelmap.txt': voc.encodeClasses(),
    'scene.geojson': writeGeoJson(result),
  };
}

/** Reads every file that a reader is there for, by name of the format. */
async function readAll(
  files: Record<string, Uint8Array>,
  { width, height }: Annotated,
): Promise<Record<string, AnnotatedPicture>> {
  const names = readYoloNames(files['yolo/data.yaml']);
  const classes = readVocClasses(files['voc/labelmap.txt']);
  const objects = files['voc/SegmentationObject/scene.png'];
  return {
    'COCO run-lengths': readCoco(files['coco.json'])[0],
    'COCO polygons': readCoco(files['coco-polygons.json'])[0],
    'labelme polygons': await readLabelme(files['labelme.json']),
    'labelme masks': await readLabelme(files['labelme-masks.json']),
    'Label Studio': readLabelStudio(files['label-studio.json'])[0],
    CVAT: readCvat(files['cvat.xml'])[0],
    YOLO: readYolo(files['yolo/scene.txt'], { width, height, names }),
    VOC: await readVoc(files['voc/SegmentationClass/scene.png'], { classes, objects }),
  };
}

const pixels = fc
  .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }))
  .chain(([width, height]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      data: fc
        .uint8Array({ min: 0, max: 3, minLength: width * height, maxLength: width * height })
        .map((data) => data.map((label) => label * 5)),
    }),
  );

it('gives every label map back, in every format that is read', async () => {
  await fc.assert(
    fc.asyncProperty(pixels, async (map) => {
      if (map.data.every((label) => label === 0)) return;
      const labelNames = { 5: 'a <cup> & "spoon"', 10: 'ü: x', 15: 'c' };
      const result = annotatedOf({ ...map, labelNames });
      const pictures = await readAll(await writeAll('ä & b.jpg', result), result);
      for (const [format, picture] of Object.entries(pictures)) {
        // By names: labelme and others have no numbers.
        const labels = new Map(
          Object.entries(labelNames).map(([label, name]) => [
            format === 'VOC' ? name.replaceAll(':', ' ') : name,
            Number(label),
          ]),
        );
        const { data } = toLabelMap(picture, { labels });
        expect({ format, data: [...data] }).toEqual({ format, data: [...map.data] });
      }
    }),
    { numRuns: 40 },
  );
});

it('writes what stands in test/fixtures/written, which others have read (check_annotations.py)', async () => {
  const result = annotatedOf({
    ...(await scene()),
    labelNames: { 1: 'disc', 2: 'frame', 3: 'dot', 4: 'nowhere' },
  });
  const files = await writeAll('scene.jpg', result);
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(__dirname, '../fixtures/written', name);
    if (process.env.SEGGPT_WRITE_FIXTURES) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }
    const kept = new Uint8Array(readFileSync(path));
    // Compressors differ between versions, and what they compress does not.
    const plain = async (file: Uint8Array) =>
      name.endsWith('.png')
        ? [...(await sharp(file).raw().toBuffer())]
        : new TextDecoder().decode(file);
    expect(await plain(bytes)).toEqual(await plain(kept));
  }
});

it('colours panoptic segments by ids that differ, and tells categories', async () => {
  const colors = labelColors().map(([r, g, b]) => r + 256 * g + 65536 * b);
  expect(new Set([...colors, 0]).size).toBe(256);
  const result = annotatedOf({ ...(await scene()), labelNames: { 1: 'disc', 4: 'nowhere' } });
  const panoptic = new PanopticFile();
  const png = await panoptic.add('a.jpg', 'a.png', result);
  const { annotations, categories, images } = parse(panoptic.encode());
  expect(images).toEqual([{ id: 1, file_name: 'a.jpg', width: 48, height: 36 }]);
  expect(categories.map(({ id, name }: { id: number; name: string }) => [id, name])).toEqual([
    [1, 'disc'],
    [2, '2'],
    [3, '3'],
    [4, 'nowhere'],
  ]);
  expect(annotations[0].segments_info).toHaveLength(3);
  const rgb = await sharp(png).raw().toBuffer();
  for (const { id, category_id, area } of annotations[0].segments_info) {
    let count = 0;
    for (let i = 0; i < rgb.length; i += 3)
      if (rgb[i] + 256 * rgb[i + 1] + 65536 * rgb[i + 2] === id) count++;
    expect(count).toBe(area);
    expect(id).toBe(colors[category_id - 1]);
  }
});

describe('many objects of one label', () => {
  /** Objects of a pixel each, all of label 2. */
  const objects = (count: number): Annotated => ({
    ...{ width: count, height: 1 },
    masks: Array.from({ length: count }, (_, at) => {
      const draw = () => Uint8Array.from({ length: count }, (_each, i) => (i === at ? 2 : 0));
      return new Mask(2, 'coin', 0.9, count, 1, 1, [at, 0, 1, 1], draw);
    }),
  });

  it('are panoptic segments of ids that differ, none of them 0', async () => {
    const panoptic = new PanopticFile();
    const png = await panoptic.add('a.jpg', 'a.png', objects(255));
    const ids = parse(panoptic.encode()).annotations[0].segments_info.map(
      ({ id }: { id: number }) => id,
    );
    expect(new Set([...ids, 0]).size).toBe(256);
    const rgb = await sharp(png).raw().toBuffer();
    expect(ids).toEqual(
      Array.from(
        { length: 255 },
        (_, i) => rgb[3 * i] + 256 * rgb[3 * i + 1] + 65536 * rgb[3 * i + 2],
      ),
    );
  });

  it('have numbers of their own in VOC, as many as it has', async () => {
    const { segmentationClass, segmentationObject } = await new VocFolder().add(objects(254));
    const indices = (png: Uint8Array) =>
      readMask(
        png,
        { argument: 'png', limits: { maxPixels: 1e6 }, ignore: 0, tolerance: 0 },
        new Map(),
      );
    expect((await indices(segmentationClass)).data.every((label) => label === 2)).toBe(true);
    expect([...(await indices(segmentationObject)).data]).toEqual(
      Array.from({ length: 254 }, (_, i) => i + 1),
    );
    await expect(new VocFolder().add(objects(255))).rejects.toThrow(/^masks: are 255 objects/);
  });
});

it('tells scores to Label Studio, and takes the names of the project', () => {
  const data = Uint8Array.from([1, 0, 2, 2]);
  const [first, second] = annotatedOf({ width: 2, height: 2, data, labelNames: {} }).masks;
  const masks = [Object.assign(Object.create(first), { score: 0.5 }), second];
  const studio = new LabelStudioFile({
    fromName: 'brush',
    toName: 'picture',
    dataKey: 'url',
    modelVersion: 'mine',
  });
  studio.add('https://a/b.jpg', { width: 2, height: 2, masks });
  const [task] = parse(studio.encode());
  expect(task.data).toEqual({ url: 'https://a/b.jpg' });
  expect(task.predictions).toMatchObject([
    {
      model_version: 'mine',
      score: 0.75,
      result: [
        { from_name: 'brush', to_name: 'picture', score: 0.5, type: 'brushlabels' },
        { score: 1, value: { format: 'rle', brushlabels: ['2'] } },
      ],
    },
  ]);
});

it('writes holes of GeoJSON as rings, exteriors counter-clockwise by their numbers', async () => {
  const { width, height, data } = await scene();
  const { features } = parse(
    writeGeoJson(annotatedOf({ width, height, data, labelNames: { 2: 'frame' } })),
  );
  const kinds = features.map(({ geometry }: { geometry: { type: string } }) => geometry.type);
  expect(kinds).toEqual(['Polygon', 'Polygon', 'MultiPolygon']);
  const [exterior, hole] = features[1].geometry.coordinates as [number, number][][];
  expect(features[1].properties).toEqual({ label: 2, name: 'frame', score: 1, area: 336 });
  expect(exterior[0]).toEqual(exterior.at(-1));
  const area = (ring: [number, number][]) =>
    ring.slice(1).reduce((sum, [x, y], i) => sum + (ring[i][0] * y - x * ring[i][1]) / 2, 0);
  expect([area(exterior), area(hole)]).toEqual([400, -64]);
  const filled = polygonsToMask([exterior.flat()], height, width);
  polygonsToMask([hole.flat()], height, width).forEach((inside, i) => (filled[i] ^= inside));
  expect(filled).toEqual(data.map((label) => Number(label === 2)));
});

it('simplifies where it is asked to', async () => {
  const result = annotatedOf({ ...(await scene()), labelNames: {} });
  const points = (file: Uint8Array) => parse(file).shapes[0].points.length;
  const [exact, simple] = [
    await writeLabelme('a.jpg', result),
    await writeLabelme('a.jpg', result, { tolerance: 1 }),
  ];
  expect(points(simple)).toBeLessThan(points(exact) / 2);
});
