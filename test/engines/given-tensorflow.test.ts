import * as tf from '@tensorflow/tfjs';
import { InvalidInputError, useTensorFlow } from '../../src';
import { tensorFlow } from '../../src/adapters/tfjs-backends';
import { NotInstalled, optionalModule } from '../../src/base/optional-module';

it('the TF.js that was handed over is the one in use', async () => {
  const mine = { ...tf };
  useTensorFlow(mine);
  expect(await tensorFlow()).toBe(mine);
});

it.each([undefined, {}, { engine: tf.engine }])('%p is not TF.js', (given) => {
  expect(() => useTensorFlow(given as typeof tf)).toThrow(InvalidInputError);
});

it('a package that is missing is told from one that fails', async () => {
  await expect(optionalModule('seggpt-no-such-package')).rejects.toThrow(NotInstalled);
  await expect(optionalModule('seggpt-no-such-package')).rejects.toThrow(
    'the npm package seggpt-no-such-package is not installed here',
  );
  await expect(optionalModule('data:text/javascript,throw new Error("broken")')).rejects.toThrow(
    'broken',
  );
});
