/**
 * Property tests draw the same cases on every run, so that a change is what makes one fail; `SEGGPT_TEST_SEED=random`, or a
 * number, draws others. Looking for new failures is what `npm run fuzz` does.
 */
import fc from 'fast-check';

const asked = process.env.SEGGPT_TEST_SEED;
if (asked !== 'random') fc.configureGlobal({ seed: Number(asked ?? 20261127) });
