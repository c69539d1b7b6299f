import fc from 'fast-check';
import { polygonsToMask } from '../../src/masks/fill-polygons';
import { boundsOf, Mask, measureLabels } from '../../src/masks/mask';

const maps = fc
  .tuple(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom([0, 1], [0, 0, 0, 0, 255], [0, 1, 2, 254, 255], [0]),
  )
  .chain(([width, height, labels]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      data: fc
        .array(fc.constantFrom(...labels), { minLength: width * height, maxLength: width * height })
        .map((all) => Uint8Array.from(all)),
    }),
  );

/** Where a map shows what is asked for. */
function shown(data: Uint8Array, width: number, wanted: (label: number) => boolean) {
  const columns: number[] = [];
  const rows: number[] = [];
  data.forEach((label, i) => {
    if (!wanted(label)) return;
    columns.push(i % width);
    rows.push(Math.floor(i / width));
  });
  const [left, top] = [Math.min(...columns), Math.min(...rows)];
  const box = [left, top, Math.max(...columns) - left + 1, Math.max(...rows) - top + 1];
  return { area: columns.length, box: columns.length ? box : [0, 0, 0, 0] };
}

// 5 x 3
const map = Uint8Array.of(0, 0, 3, 3, 0, 3, 0, 0, 3, 0, 0, 0, 9, 0, 0);

describe('measureLabels', () => {
  it('counts pixels and boxes them', () => {
    const measured = measureLabels(map, 5, 3);
    expect(measured).toHaveLength(256);
    expect(measured[3]).toEqual({ area: 4, box: [0, 0, 4, 2] });
    expect(measured[9]).toEqual({ area: 1, box: [2, 2, 1, 1] });
    expect(measured[0]).toEqual({ area: 10, box: [0, 0, 5, 3] });
    expect(measured[4]).toEqual({ area: 0, box: [0, 0, 0, 0] });
  });

  it('does not run on into the next row', () => {
    expect(measureLabels(Uint8Array.of(0, 1, 1, 0), 2, 2)[1]).toEqual({
      area: 2,
      box: [0, 0, 2, 2],
    });
  });

  it('is what looking at every pixel says', () => {
    fc.assert(
      fc.property(maps, ({ data, width, height }) => {
        const measured = measureLabels(data, width, height);
        for (const label of [0, 1, 2, 3, 254, 255])
          expect(measured[label]).toEqual(shown(data, width, (each) => each === label));
      }),
      { numRuns: 300 },
    );
  });
});

describe('boundsOf', () => {
  it('boxes all labels together', () => {
    expect(boundsOf(map, 5, 3)).toEqual([0, 0, 4, 3]);
    expect(boundsOf(Uint8Array.of(0, 0, 0, 0, 0, 7), 3, 2)).toEqual([2, 1, 1, 1]);
    expect(boundsOf(Uint8Array.of(0, 0, 0), 3, 1)).toBeUndefined();
  });

  it('is what looking at every pixel says', () => {
    fc.assert(
      fc.property(maps, ({ data, width, height }) => {
        const { area, box } = shown(data, width, (label) => label > 0);
        expect(boundsOf(data, width, height)).toEqual(area ? box : undefined);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a mask', () => {
  const mask = new Mask(3, 'cat', 0.5, 5, 3, 4, [0, 0, 4, 2], map);
  const binary = [0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];

  it('is the pixels of its label alone', () => {
    expect([...mask.toBinary()]).toEqual(binary);
    mask.toBinary()[0] = 1;
    expect([...mask.toBinary()]).toEqual(binary);
  });

  it('is there if it has pixels', () => {
    expect(mask.present).toBe(true);
    expect(new Mask(9, 'fly', 1, 5, 3, 1, [2, 2, 1, 1], map).present).toBe(true);
    expect(new Mask(4, 'dog', 0, 5, 3, 0, [0, 0, 0, 0], map).present).toBe(false);
  });

  it('turns into white pixels, transparent outside', () => {
    const { data, width, height } = mask.toImageData();
    expect([width, height]).toEqual([5, 3]);
    expect([...data]).toEqual(binary.flatMap((inside) => Array(4).fill(255 * inside) as number[]));
  });

  it('turns into run lengths down its columns', () => {
    // Columns 010, 000, 100, 110, 000: runs 1 1 4 1 2 2 4, the fourth on less the one two before.
    expect(mask.toRLE()).toEqual({ size: [3, 5], counts: '1140N12' });
  });

  it('turns into outlines', () => {
    expect(mask.toPolygons()).toHaveLength(2);
    expect([...polygonsToMask(mask.toPolygons(), 3, 5)]).toEqual(binary);
    expect(mask.toPolygons()).toContainEqual([1, 1, 1, 2, 0, 2, 0, 1]);
  });

  it('turns into a tensor of height, then width', () => {
    const tf = { tensor2d: jest.fn() };
    mask.toTensor(tf);
    expect(tf.tensor2d).toHaveBeenCalledWith(Int32Array.from(binary), [3, 5], 'int32');
  });
});
