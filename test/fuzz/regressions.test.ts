/** A little of the fuzzing in every run of the tests: each reader refuses what it cannot read, by errors of the package. */
import { seededRandom } from '../../src/base/random';
import { SegGptError } from '../../src/base/errors';
import { Dice } from './mutators';
import { targets } from './targets';

it.each(Object.keys(targets))('%s takes 300 mutated inputs', async (reader) => {
  for (let seed = 1; seed <= 300; seed++) {
    try {
      await targets[reader](new Dice(seededRandom(Math.imul(seed, 0x9e3779b1))));
    } catch (error) {
      if (!(error instanceof SegGptError)) throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
