import sharp from 'sharp';
import { decodeBrush, encodeBrush } from '../../src/annotations/formats/brush-rle';
import { toLabelMap } from '../../src/annotations/model/to-label-map';
import { readCvat } from '../../src/annotations/readers/cvat';
import { readDavis } from '../../src/annotations/readers/davis';
import { readLabelStudio } from '../../src/annotations/readers/label-studio';
import { readLabelTiff } from '../../src/annotations/readers/label-tiff';
import { readLabelme } from '../../src/annotations/readers/labelme';
import { readVoc, readVocClasses } from '../../src/annotations/readers/voc';
import { readYolo, readYoloNames } from '../../src/annotations/readers/yolo';
import { expectScene, fixture, json, names, scene } from './fixtures';

const drawn = (picture: Parameters<typeof toLabelMap>[0]) => [...toLabelMap(picture).data];

describe('labelme', () => {
  const file = (...shapes: object[]) =>
    JSON.stringify({ imageWidth: 6, imageHeight: 4, imagePath: 'a.jpg', shapes });

  it('reads masks at their place', async () => {
    expect(await expectScene(await readLabelme(fixture('labelme-masks.json')))).toEqual(names);
  });

  it('reads polygons, rectangles by any two corners, and circles by their rim', async () => {
    const picture = await readLabelme(
      file(
        { label: 'a', points: [[0, 0], [2, 0], [2, 2], [0, 2]], shape_type: 'polygon' }, // prettier-ignore
        { label: 'b', points: [[6, 4], [4, 3]], shape_type: 'rectangle' }, // prettier-ignore
        { label: 'c', points: [[3.5, 1.5], [3.5, 2.2]], shape_type: 'circle' }, // prettier-ignore
      ),
    );
    expect(picture.file).toBe('a.jpg');
    expect(drawn(picture)).toEqual(
      [1, 1, 0, 0, 0, 0, 1, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2], // prettier-ignore
    );
  });

  it('joins polygons of one label and group', async () => {
    const triangle = { points: [[0, 0], [1, 0], [0, 1]], shape_type: 'polygon' }; // prettier-ignore
    const { objects } = await readLabelme(
      file(
        { ...triangle, label: 'a', group_id: 1 },
        { ...triangle, label: 'b', group_id: 1 },
        { ...triangle, label: 'a', group_id: 1 },
        { ...triangle, label: 'a', group_id: null },
      ),
    );
    expect(objects.map(({ name }) => name)).toEqual(['a', 'b', 'a']);
    expect('polygons' in objects[0] && objects[0].polygons).toHaveLength(2);
  });

  it.each([
    [{ label: 'a', points: [[0, 0]], shape_type: 'point' }, 'shapes[0] is of the type "point"'],
    [{ label: 'a', points: [[0, 0], [1, 1]] }, 'a polygon of 2 points'], // prettier-ignore
    [{ label: 'a', points: [[0, 0]], shape_type: 'circle' }, 'which has 2 points, but has 1'],
    [{ points: [] }, 'shapes[0] has no "label"'],
    [{ label: 'a', points: [[0, 0], [1, 1]], shape_type: 'mask', mask: '*' }, 'mask is no base64'], // prettier-ignore
  ])('refuses %j', async (shape, message) => {
    await expect(readLabelme(file(shape))).rejects.toThrow(message);
  });

  it('refuses a mask that does not fill its box', async () => {
    const text = new TextDecoder().decode(fixture('labelme-masks.json'));
    const wrong = JSON.parse(text);
    wrong.shapes[1].points[1][0]++;
    await expect(readLabelme(JSON.stringify(wrong), 'a.json')).rejects.toThrow(
      'a.json: shapes[1].mask is a mask of 20 x 20 pixels, but its box has 21 x 20',
    );
  });
});

describe('Label Studio', () => {
  it('reads brushes, and leaves out what was cancelled and what marks nothing', async () => {
    const [picture] = readLabelStudio(fixture('label-studio.json'));
    expect(picture.file).toBe('/data/upload/1/0a1b2c3d-scene.jpg');
    expect(await expectScene(picture)).toEqual(names);
  });

  it("unpacks and packs as the converter does, and unpacks a canvas' soft values", async () => {
    const brushes = json('label-studio-brushes.json');
    const { data, width, height } = await scene();
    brushes.scene.forEach((packed: number[], i: number) => {
      const mask = data.map((label) => Number(label === i + 1));
      expect(decodeBrush(packed, width, height)).toEqual(mask);
      expect(encodeBrush(mask)).toEqual(packed);
    });
    const large = decodeBrush(brushes.large, 400, 300);
    expect(large.reduce((a, b) => a + b, 0)).toBe(170 * 360);
    expect(encodeBrush(large)).toEqual(brushes.large);
    const soft = brushes.softAlpha.map((alpha: number) => Number(alpha !== 0));
    expect([...decodeBrush(brushes.soft, 6, 5)]).toEqual(soft);
  });

  it('unpacks values by themselves', () => {
    // 4 values of one pixel, widths 3, 4, 8 and 16, a literal chunk of 4 values: 9 8 7 255.
    const bits =
      '00000000000000000000000000000100' + '00111' + '0010001101111111' + '0' + '00' + '011' +
      '00001001' + '00001000' + '00000111' + '11111111'; // prettier-ignore
    const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g)!;
    expect([...decodeBrush(bytes.map((byte) => parseInt(byte, 2)), 1, 1)]).toEqual([1]); // prettier-ignore
  });

  it('refuses brushes that are cut short or of another size', () => {
    const [packed] = json('label-studio-brushes.json').scene;
    expect(() => decodeBrush(packed.slice(0, -4), 48, 36)).toThrow('cut short');
    expect(() => decodeBrush(packed, 36, 36)).toThrow('36 x 36 RGBA pixels');
  });

  const task = (type: string, value: object, more: object = {}) =>
    JSON.stringify([
      {
        data: { image: 'a.jpg' },
        annotations: [
          {
            result: [
              { type, original_width: 8, original_height: 4, value: { [type]: ['x'], ...value }, ...more }, // prettier-ignore
            ],
          },
        ],
      },
    ]);

  it.each<[string, object, number[]]>([
    ['rectanglelabels', { x: 25, y: 25, width: 25, height: 50 }, [10, 11, 18, 19]],
    // Turned by 90 degrees about its left upper corner it lies on its side, to the left of it.
    ['rectanglelabels', { x: 50, y: 25, width: 12.5, height: 50, rotation: 90 }, [10, 11]],
    ['polygonlabels', { points: [[0, 0], [25, 0], [25, 50], [0, 50]] }, [0, 1, 8, 9]], // prettier-ignore
    ['ellipselabels', { x: 50, y: 50, radiusX: 12.5, radiusY: 25 }, [11, 12, 19, 20]],
  ])('reads %s in percent', (type, value, expected) => {
    const data = drawn(readLabelStudio(task(type, value))[0]);
    expect(data.flatMap((label, i) => (label ? [i] : []))).toEqual(expected);
  });

  it('reads predictions where there are no annotations', () => {
    const [given] = JSON.parse(task('rectanglelabels', { x: 0, y: 0, width: 50, height: 100 }));
    const predicted = { data: given.data, annotations: [], predictions: given.annotations };
    expect(readLabelStudio(JSON.stringify([predicted]))).toHaveLength(1);
    expect(readLabelStudio(JSON.stringify([{ data: {}, annotations: [] }]))).toEqual([]);
  });

  it('refuses key points, turned pictures, and JSON-MIN', () => {
    const value = { x: 0, y: 0, width: 10, height: 10 };
    expect(() => readLabelStudio(task('keypointlabels', value))).toThrow('"keypointlabels"');
    expect(() => readLabelStudio(task('rectanglelabels', value, { image_rotation: 90 }))).toThrow(
      'was turned in Label Studio',
    );
    expect(() => readLabelStudio('[{"image": "a.jpg", "tag": []}]')).toThrow('not as JSON-MIN');
  });
});

describe('CVAT', () => {
  it("reads Datumaro's masks, polygons and boxes", async () => {
    const [picture, shapes] = readCvat(fixture('cvat.xml'));
    expect(picture.file).toBe('scene.jpg');
    expect(await expectScene(picture)).toEqual(names);
    // The box is below the polygon by z_order, though it stands behind it.
    expect(shapes.objects.map(({ name }) => name)).toEqual(['frame', 'disc']);
    expect(shapes.objects).toEqual([
      { name: 'frame', polygons: [[0, 0, 10, 0, 10, 8, 0, 8]] },
      { name: 'disc', polygons: [[4, 4, 20, 4, 20, 20]] },
    ]);
  });

  const image = (inner: string) =>
    `<?xml version="1.0"?><annotations><!-- a > b --><image id="0" name="a &amp; &#98;.jpg" width="8" height="4">\n${inner}</image></annotations>`;

  it('reads turned boxes, ellipses, masks at a place, and entities', () => {
    const [picture] = readCvat(
      image(
        '<box label="a" xtl="1" ytl="0" xbr="3" ybr="4" rotation="90"/><ellipse label="b" cx="6" cy="2" rx="1" ry="1"></ellipse>' +
          '<mask label="c" left="7" top="3" width="2" height="1" rle="0, 2"/><tag label="d"/>',
      ),
    );
    expect(picture.file).toBe('a & b.jpg');
    expect(drawn(picture)).toEqual([
      ...[0, 0, 0, 0, 0, 0, 0, 0],
      ...[1, 1, 1, 1, 0, 2, 2, 0],
      ...[1, 1, 1, 1, 0, 2, 2, 0],
      ...[0, 0, 0, 0, 0, 0, 0, 3],
    ]);
  });

  it.each([
    ['<polyline label="a" points="0,0;1,1"/>', 'the <polyline> in line 2 is <polyline>'],
    ['<polygon label="a" points="0,0;1"/>', 'has the point "1"'],
    ['<polygon label="a" points="0,0;1,1"/>', 'less than three points'],
    ['<polygon points="0,0;1,1;1,0"/>', 'has no "label"'],
    ['<mask label="c" left="0" top="0" width="2" height="1" rle="1"/>', 'has runs of 1 pixels'],
    ['<box label="a" xtl="z" ytl="0" xbr="3" ybr="4"/>', 'has "z" for xtl'],
    [
      '<mask label="c" left="0" top="0" width="1000000" height="1000000" rle="1000000000000"/>',
      'more than the 536870912 that are read',
    ],
    ['<box label="a"', 'line 2 has a tag that cannot be read'],
    ['<box></image>', 'closes "image", which is not open'],
    ['<box label="&x;"/>', 'has the unknown entity "&x;"'],
    ['<box label="a" label="b"/>', 'has "label" twice'],
    ['<!DOCTYPE x [<!ENTITY a "b">]>', 'declares types or entities'],
    ['<!-- x', 'does not end'],
  ])('refuses %s', (inner, message) => {
    expect(() => readCvat(image(inner), 'a.xml')).toThrow(message);
    expect(() => readCvat(image(inner), 'a.xml')).toThrow('a.xml: ');
  });

  it('refuses files of videos, and other XML', () => {
    expect(() => readCvat('<annotations><track/></annotations>')).toThrow('is of a video');
    expect(() => readCvat('<svg/>')).toThrow('has <svg>');
    expect(() => readCvat('')).toThrow('has no element');
    expect(() => readCvat('<a/><b/>')).toThrow('a second outermost element');
    expect(() => readCvat('<a>')).toThrow('ends before "a" is closed');
  });
});

describe('VOC', () => {
  it("reads Datumaro's classes and objects, by labelmap.txt", async () => {
    const classes = readVocClasses(fixture('voc-labelmap.txt'));
    expect(classes.map(({ name }) => name)).toEqual(['background', 'disc', 'frame', 'dot']);
    const options = { classes, objects: fixture('voc-object.png') };
    expect(await expectScene(await readVoc(fixture('voc-class.png'), options))).toEqual(names);
    expect(await expectScene(await readVoc(fixture('voc-class.png'), { classes }))).toEqual(names);
  });

  it("has VOC's own classes by default, and void is background", async () => {
    const palette = await sharp(Uint8Array.from([0, 1, 15, 255]), {
      raw: { width: 4, height: 1, channels: 1 },
    })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const { data, labelNames } = toLabelMap(await readVoc(palette));
    expect([...data]).toEqual([0, 1, 15, 0]);
    expect(labelNames).toEqual({ 1: 'aeroplane', 15: 'person' });
  });

  it('takes void for void where there is no class beside it', async () => {
    const grey = sharp(Uint8Array.from([0, 255]), { raw: { width: 2, height: 1, channels: 1 } });
    const { objects } = await readVoc(await grey.toColourspace('b-w').png().toBuffer());
    expect(objects).toEqual([]);
  });

  it('reads RGB by colours, and refuses those of no class', async () => {
    const colored = (...levels: number[]) =>
      sharp(Uint8Array.from(levels), { raw: { width: levels.length / 3, height: 1, channels: 3 } })
        .png()
        .toBuffer();
    const classes = readVocClasses(
      '# label:color\nbackground:0,0,0::\ncup:250,50,50::\nspoon:0,200,0::',
    );
    const options = { classes, file: 'a.png' };
    const picture = await readVoc(await colored(0, 200, 0, 0, 0, 0, 224, 224, 192, 250, 50, 50), options); // prettier-ignore
    expect(drawn(picture)).toEqual([2, 0, 0, 1]);
    await expect(readVoc(await colored(1, 2, 3), options)).rejects.toThrow(
      'a.png: has the colour #010203',
    );
    expect(() => readVocClasses('cup:1,2')).toThrow('line 1');
  });

  it('refuses an index without a class, and objects of another size', async () => {
    const classes = readVocClasses('disc:::\n');
    await expect(readVoc(fixture('davis-2017.png'), { classes, file: 'a.png' })).rejects.toThrow(
      'a.png: has the class 2, but there are names for 1 to 1',
    );
    const objects = new Uint8Array(
      await sharp(new Uint8Array(4), { raw: { width: 2, height: 2, channels: 1 } })
        .png()
        .toBuffer(),
    );
    await expect(readVoc(fixture('davis-2017.png'), { objects })).rejects.toThrow(
      'has 48 x 36 pixels, but its objects 2 x 2',
    );
  });
});

describe('YOLO', () => {
  const options = { width: 8, height: 4, names: ['cup', 'spoon'], file: 'a.txt' };

  it('reads polygons and boxes as shares of the picture', () => {
    const text = '1 0 0 0.25 0 0.25 0.5 0 0.5\n\n0 0.75 0.75 0.25 0.5\n';
    const picture = readYolo(text, options);
    expect(toLabelMap(picture).labelNames).toEqual({ 1: 'cup', 2: 'spoon' });
    expect(drawn(picture)).toEqual([
      ...[2, 2, 0, 0, 0, 0, 0, 0],
      ...[2, 2, 0, 0, 0, 0, 0, 0],
      ...[0, 0, 0, 0, 0, 1, 1, 0],
      ...[0, 0, 0, 0, 0, 1, 1, 0],
    ]);
    const { labelNames } = toLabelMap(readYolo(text, { width: 8, height: 4 }));
    expect(labelNames).toEqual({ 1: '0', 2: '1' });
  });

  it.each([
    ['0 0 0 1 1 1', 'line 1 has 5 numbers behind its class'],
    ['\n2 0 0 0 1 1 1', 'line 2 has the class 2, but there are names for 0 to 1'],
    ['cup 0 0 0 1 1 1', 'line 1 must be a class'],
    ['0 0 0 x 1 1 1', 'line 1 must be a class'],
  ])('refuses %j', (text, message) => {
    expect(() => readYolo(text, options)).toThrow(`a.txt: ${message}`);
  });

  it.each([
    ['classes.txt', 'cup\nspoon\n'],
    ['data.yaml', 'nc: 2\nnames: [\'cup\', "spoon"] # two\n'],
    ['data.yaml', 'path: x\nnames:\n  0: cup\n  1: spoon\ntrain: y\n'],
    ['data.yaml', 'names:\n- cup\n- spoon\nnc: 2'],
  ])('reads names of %s', (file, text) => {
    expect(readYoloNames(text, file)).toEqual(['cup', 'spoon']);
  });

  it('refuses names with gaps, and files without any', () => {
    expect(() => readYoloNames('names:\n  0: a\n  2: b')).toThrow(
      'numbers "b" as 2, but 1 comes next',
    );
    expect(() => readYoloNames('nc: 2', 'data.yaml')).toThrow('has no "names:"');
    expect(() => readYoloNames('names:\nnc: 2')).toThrow('no names below');
  });
});

it('reads DAVIS, indices or one object', async () => {
  const labelNames = await expectScene(await readDavis(fixture('davis-2017.png')));
  expect(labelNames).toEqual({ 1: '1', 2: '2', 3: '3' });
  const { data } = await scene();
  const one = toLabelMap(await readDavis(fixture('davis-2016.png')));
  expect(one.data).toEqual(data.map((label) => Number(label === 2)));
});

describe('label TIFF', () => {
  it.each(['imagej.tif', 'predicted.tif', 'wide.tif', 'float.tif'])('reads %s', async (name) => {
    expect(await expectScene(await readLabelTiff(fixture(name)))).toEqual({
      1: '1',
      2: '2',
      3: '3',
    });
  });

  it('numbers large numbers anew, and keeps them as names', async () => {
    const labelNames = await expectScene(await readLabelTiff(fixture('napari.tif')));
    expect(labelNames).toEqual({ 1: '5', 2: '300', 3: '70000' });
  });

  it('refuses others, and cut ones', async () => {
    await expect(readLabelTiff(fixture('scene.png'), 'a')).rejects.toThrow('a is no TIFF file');
    for (const name of ['imagej.tif', 'napari.tif', 'wide.tif'])
      for (const part of [3, 9, 200, 400]) {
        const cut = fixture(name).slice(0, part);
        await expect(readLabelTiff(cut, 'a')).rejects.toThrow(/^a is (truncated|no TIFF)/);
      }
    const color = sharp(new Uint8Array(12), { raw: { width: 2, height: 2, channels: 3 } });
    await expect(readLabelTiff(await color.tiff({ compression: 'none' }).toBuffer())).rejects.toThrow('has colours'); // prettier-ignore
    const fraction = sharp(Float32Array.from([0.5, 1]), {
      raw: { width: 2, height: 1, channels: 1 },
    });
    const bytes = await fraction.toColourspace('b-w').tiff({ compression: 'lzw' }).toBuffer();
    await expect(readLabelTiff(bytes)).rejects.toThrow('compressed by the method 5');
  });
});
