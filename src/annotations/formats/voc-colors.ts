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

/** The index of pixels at borders, which belong to nothing. */
export const VOC_VOID = 255;

/** The colour of an index in VOC's palette (`VOClabelcolormap.m`): its bits, lowest first, go to the channels' highest bits in turn. */
export function vocColor(index: number): [red: number, green: number, blue: number] {
  const color: [number, number, number] = [0, 0, 0];
  for (let bit = 0; bit < 8; bit++)
    color[bit % 3] |= ((index >> bit) & 1) << (7 - Math.floor(bit / 3));
  return color;
}
