/** A set of annotations names its files by rule, whoever keeps them, and writes nothing about no pictures. */
import { annotatedOf, AnnotationSet, annotationKinds } from '../../src/entries/annotations';

const result = annotatedOf({
  ...{ width: 3, height: 2, data: Uint8Array.of(0, 1, 1, 0, 0, 2) },
  labelNames: { 1: 'cup', 2: 'spoon' },
});

async function written(kinds: readonly string[], pictures: readonly string[]) {
  const files = new Map<string, string>();
  const set = new AnnotationSet(kinds, (path, bytes) => {
    files.set(path, Buffer.from(bytes).toString());
  });
  const own: string[] = [];
  for (const name of pictures)
    own.push(...(await set.add({ file: `photos/${name}.jpg`, name }, result)));
  await set.finish();
  return { files, own };
}

it('keeps a file for each kind that is about all pictures, and one for each picture of the others', async () => {
  const { files, own } = await written(annotationKinds, ['a', 'b']);
  expect([...files.keys()].sort()).toEqual(
    [
      ...['coco.json', 'label-studio.json', 'cvat.xml', 'panoptic.json', 'yolo/data.yaml'],
      ...['voc/labelmap.txt', 'a.geojson', 'b.geojson', 'labelme/a.json', 'labelme/b.json'],
      ...['panoptic/a.png', 'panoptic/b.png', 'yolo/labels/a.txt', 'yolo/labels/b.txt'],
      ...['a', 'b'].flatMap((name) => [
        `voc/SegmentationClass/${name}.png`,
        `voc/SegmentationObject/${name}.png`,
      ]),
    ].sort(),
  );
  expect(own).toHaveLength(12);
  const coco = JSON.parse(files.get('coco.json')!);
  expect(coco.images.map(({ file_name }: { file_name: string }) => file_name)).toEqual([
    'photos/a.jpg',
    'photos/b.jpg',
  ]);
  expect(coco.annotations).toHaveLength(4);
});

it('asks for the path from the folder in which a file about one picture will lie', async () => {
  const files = new Map<string, string>();
  const set = new AnnotationSet(['labelme'], (path, bytes) => {
    files.set(path, Buffer.from(bytes).toString());
  });
  const pathFrom = (folder: string) => `../${folder.length}.jpg`;
  await set.add({ file: 'x.jpg', name: 'deep/x', pathFrom }, result);
  expect(JSON.parse(files.get('labelme/deep/x.json')!).imagePath).toBe('../12.jpg');
});

it('writes nothing where nothing was added, nor kinds that nobody knows', async () => {
  expect((await written(annotationKinds, [])).files.size).toBe(0);
  expect((await written(['overlay'], ['a'])).files.size).toBe(0);
});
