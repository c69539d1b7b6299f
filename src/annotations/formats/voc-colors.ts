import { vocColor as packedColor } from '../../masks/void';

/** The 20 classes of PASCAL VOC 2007 to 2012, by index from 1 on (host.robots.ox.ac.uk/pascal/VOC, development kit). */
export const vocClasses: readonly string[] = [
  'aeroplane',
  'bicycle',
  'bird',
  'boat',
  'bottle',
  'bus',
  'car',
  'cat',
  'chair',
  'cow',
  'diningtable',
  'dog',
  'horse',
  'motorbike',
  'person',
  'pottedplant',
  'sheep',
  'sofa',
  'train',
  'tvmonitor',
];

/** The colour of an index in VOC's palette. RGB 0 … 255. */
export function vocColor(index: number): [red: number, green: number, blue: number] {
  const packed = packedColor(index);
  return [packed >> 16, (packed >> 8) & 255, packed & 255];
}
