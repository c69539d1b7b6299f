/** Every kind of model against transformers on seeded random weights, at the size it was made for and another. */
import { openCheckpoint } from '../../../src/checkpoints/open-checkpoint';
import { Dino } from '../../../src/models/dino/dino';
import { toFloat32 } from '../../../src/tensors/element-types';
import { describeBackends } from '../../helpers/backends';
import { fixture } from '../../helpers/fixture';

const kinds = [
  'dino',
  'mae',
  'dinov2',
  'dinov2-swiglu',
  'dinov2-registers',
  'dinov3',
  'dinov3-gated',
];
const sizes = [
  [20, 20],
  [12, 28],
];

describeBackends('on %s', ['cpu', 'wasm'], (backend) => {
  it.each(kinds)('%s gives the tokens that transformers gives', async (kind) => {
    const model = await Dino.load(fixture(`dino/${kind}`), { backend, threads: 2 });
    const expected = await openCheckpoint(fixture(`dino/${kind}/expected.safetensors`));
    try {
      for (const [height, width] of sizes) {
        const size = `${height}x${width}`;
        const pixels = toFloat32(await expected.read(`pixels-${size}`));
        const tokens = toFloat32(await expected.read(`tokens-${size}`));
        const found = await model.encode(pixels, height, width);
        expect([found.rows, found.columns, found.width]).toEqual([height / 4, width / 4, 16]);
        const all = [...found.classToken, ...found.registers, ...found.patches];
        expect(all).toHaveLength(tokens.length);
        const worst = all.reduce((most, each, i) => Math.max(most, Math.abs(each - tokens[i])), 0);
        expect(worst).toBeLessThan(1e-4);
      }
    } finally {
      await expected.close();
      model.dispose();
    }
  });
});
