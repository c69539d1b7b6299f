import { readFileSync } from 'node:fs';
import ndarray from 'ndarray';
import { toFloats } from '../../../src/tensors/to-floats';
import { toFloat32 } from '../../../src/tensors/element-types';
import { memoryAccess } from '../../../src/checkpoints/memory-access';
import { openSafetensors } from '../../../src/checkpoints/safetensors';
import { Painter } from '../../../src/models/seggpt/painter';
import { channelsLast, largestDifference, type ReferenceTensor } from '../../helpers/reference';

/** What the PyTorch model of `training/` painted with the bundled weights; `python -m seggpt_training parity` writes it. */
const fixture = 'training/test/fixtures/parity.safetensors';

it.each(['wasm', 'cpu'] as const)(
  'the bundled weights paint on %s what they paint in training',
  async (backend) => {
    const source = await openSafetensors(memoryAccess(readFileSync(fixture), fixture));
    const read = async (name: string): Promise<ReferenceTensor> => {
      const tensor = await source.read(name);
      return { shape: tensor.shape, values: toFloat32(tensor) };
    };
    const images = channelsLast(await read('images'));
    const [count, height, width] = images.shape;
    const flags = await read('bool_masked_pos');
    const painter = await Painter.load('bundled', { backend });
    const painted = await painter.paint({
      images,
      masks: channelsLast(await read('masks')),
      maskedPatches: ndarray(flags.values, [count, height / 16, width / 16]),
      output: 'canvas',
    });
    painter.dispose();
    const wanted = toFloats(channelsLast(await read('prediction')));
    expect(largestDifference(painted.data, wanted)).toBeLessThan(1e-4);
  },
);
