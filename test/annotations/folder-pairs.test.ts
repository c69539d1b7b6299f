import { findFolderPairs } from '../../src/annotations/folder-pairs';

it('finds VOC, with objects where there are any, and leaves pictures without masks alone', () => {
  expect(
    findFolderPairs([
      'Annotations/a.xml',
      'JPEGImages/b.jpg',
      'JPEGImages/a.jpg',
      'JPEGImages/c.jpg',
      'SegmentationClass/b.png',
      'SegmentationClass/a.png',
      'SegmentationObject/a.png',
      'labelmap.txt',
    ]),
  ).toEqual({
    layout: 'voc',
    names: 'labelmap.txt',
    alone: [],
    pairs: [
      { image: 'JPEGImages/a.jpg', annotation: 'SegmentationClass/a.png', objects: 'SegmentationObject/a.png' }, // prettier-ignore
      { image: 'JPEGImages/b.jpg', annotation: 'SegmentationClass/b.png' },
    ],
  });
});

it('finds DAVIS by the same folders of both', () => {
  const files = ['JPEGImages/480p/bear/00000.jpg', 'Annotations/480p/bear/00000.png', 'Annotations/480p/cow/00000.png']; // prettier-ignore
  expect(findFolderPairs(files)).toEqual({
    layout: 'davis',
    alone: ['Annotations/480p/cow/00000.png'],
    pairs: [{ image: files[0], annotation: files[1] }],
  });
});

it.each([
  ['labels/train/a.txt', 'images/train/a.png'],
  ['train/labels/a.txt', 'train/images/a.png'],
  ['labels/a.txt', 'images/a.png'],
  ['images/labels/a.txt', 'images/images/a.png'],
])('finds YOLO: %s with %s', (annotation, image) => {
  expect(findFolderPairs([image, annotation, 'data.yaml'])).toEqual({
    layout: 'yolo',
    names: 'data.yaml',
    alone: [],
    pairs: [{ image, annotation }],
  });
});

it('finds nothing in other folders', () => {
  expect(findFolderPairs(['a.jpg', 'a.png', 'images/a.jpg', 'masks/a.png', 'labels/a.txt/b'])).toBeNull(); // prettier-ignore
  expect(findFolderPairs([])).toBeNull();
});
