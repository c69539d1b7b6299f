import type { Engine } from '../../src/engines/engine';
import {
  channelsFirst,
  channelsLast,
  depthwiseKernel,
  transposedKernel,
} from '../../src/nn/channels-last';
import type { StoredTensor } from '../../src/tensors/stored-tensor';
import { plainTfjs, randomFloats, stored } from '../engines/wasm/helpers';

const floats = ({ data }: StoredTensor) => new Float32Array(data.slice().buffer);

it('channelsLast puts inputs innermost, whatever the bytes of a value', () => {
  const shape = [2, 3, 2, 2];
  const tensor = stored(shape, 1);
  const moved = channelsLast(tensor);
  expect(moved.shape).toEqual([2, 12]);
  const [from, to] = [floats(tensor), floats(moved)];
  for (let o = 0; o < 2; o++)
    for (let i = 0; i < 3; i++)
      for (let y = 0; y < 2; y++)
        for (let x = 0; x < 2; x++)
          expect(to[o * 12 + (y * 2 + x) * 3 + i]).toBe(from[((o * 3 + i) * 2 + y) * 2 + x]);
  const bytes = stored(shape, 1, 'I8');
  const movedBytes = channelsLast(bytes);
  expect(movedBytes.scales).toBe(bytes.scales);
  expect(movedBytes.data[1]).toBe(bytes.data[4]);
  expect(channelsFirst(to, shape)).toEqual(from);
});

it('channelsLast leaves matrices alone', () => {
  const tensor = stored([4, 5], 1);
  expect(channelsLast(tensor)).toBe(tensor);
});

it('depthwiseKernel puts channels innermost', () => {
  const tensor = stored([5, 1, 3, 3], 1);
  const { values, shape } = depthwiseKernel(tensor);
  expect(shape).toEqual([9, 5]);
  const from = floats(tensor);
  for (let c = 0; c < 5; c++)
    for (let s = 0; s < 9; s++) expect(values[s * 5 + c]).toBe(from[c * 9 + s]);
});

it('transposedKernel and pixelShuffle are a transposed convolution', async () => {
  const engine: Engine = await plainTfjs();
  const [inputs, outputs, rows, columns] = [3, 2, 2, 3];
  const kernel = stored([inputs, outputs, 2, 2], 1);
  const bias = stored([4 * outputs], 2);
  const values = randomFloats(rows * columns * inputs, 3);
  const y = engine.tidy(() => {
    const layer = engine.loadLinear(transposedKernel(kernel), bias);
    const x = engine.upload(values, [rows * columns, inputs]);
    const patches = engine.linear(x, layer);
    engine.dispose(layer);
    return engine.pixelShuffle(patches, { images: 1, rows, columns, patch: 2 });
  });
  const found = await engine.download(y);
  const [weights, biases] = [floats(kernel), floats(bias)];
  for (let row = 0; row < 2 * rows; row++) {
    for (let column = 0; column < 2 * columns; column++) {
      const token = Math.floor(row / 2) * columns + Math.floor(column / 2);
      const place = (row % 2) * 2 + (column % 2);
      for (let o = 0; o < outputs; o++) {
        let sum = biases[place * outputs + o];
        for (let i = 0; i < inputs; i++)
          sum += values[token * inputs + i] * weights[(i * outputs + o) * 4 + place];
        expect(found[(row * 2 * columns + column) * outputs + o]).toBeCloseTo(sum, 5);
      }
    }
  }
  engine.dispose(y);
  engine.release();
});
