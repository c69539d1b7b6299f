import * as tf from '@tensorflow/tfjs';
import { Painter } from '../../../src/models/seggpt/painter';
import { SharedPositions } from '../../../src/models/seggpt/shared-positions';
import { openCheckpoint } from '../../../src/checkpoints/open-checkpoint';
import { tinyModel } from '../../helpers/reference';

it('positions of one grid and task are spread once, and freed with their last user', async () => {
  const painter = await Painter.load(await openCheckpoint(tinyModel), { backend: 'cpu' });
  const spread = jest.spyOn(painter.model, 'positions');
  const shared = new SharedPositions(painter.model);
  const before = tf.memory().numTensors;
  const grid = { rows: 4, columns: 3 };
  const first = shared.take(grid, 'instance');
  const held = tf.memory().numTensors;
  expect(shared.take({ ...grid }, 'instance')).toBe(first);
  expect(spread).toHaveBeenCalledTimes(1);
  const others = [shared.take(grid, 'semantic'), shared.take({ rows: 4, columns: 2 }, 'instance')];
  expect(new Set([first, ...others]).size).toBe(3);
  for (const each of others) shared.release(each);
  expect(tf.memory().numTensors).toBe(held);
  shared.release(first);
  expect(tf.memory().numTensors).toBe(held);
  shared.release(first);
  expect(tf.memory().numTensors).toBe(before);
  shared.release(first); // nobody's any more
  expect(tf.memory().numTensors).toBe(before);
  painter.dispose();
});
