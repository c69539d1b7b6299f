import { InContextSegmenter, segmentInContext } from '../../src';
import { checkKnownOptions } from '../../src/tasks/known-options';

it.each([
  ['backnd', 'backend'],
  ['colorensemble', 'colorEnsemble'],
  ['treads', 'threads'],
  ['regionscale', 'regionScale'],
])('%s was meant as %s', (slip, meant) => {
  expect(() => checkKnownOptions({ [slip]: 1 })).toThrow(
    `${slip}: is no option of this package; did you mean "${meant}"?`,
  );
});

it('what resembles nothing is refused without a guess', () => {
  expect(() => checkKnownOptions({ somethingElseEntirely: 1 })).toThrow(
    'somethingElseEntirely: is no option of this package.',
  );
});

it('options of other calls and undefined ones pass', () => {
  expect(() => checkKnownOptions({ memory: 2, resolution: undefined, threads: 1 })).not.toThrow();
  expect(() => checkKnownOptions({ unheard: undefined })).not.toThrow();
});

it.each([null, 7, 'wasm'])('options %p are no object', (options) => {
  expect(() => checkKnownOptions(options)).toThrow('options: must be an object');
});

it('every call looks, before any work is done', async () => {
  const slip = { backnd: 'wasm' } as object;
  const refused = { name: 'InvalidInputError', argument: 'backnd' };
  await expect(segmentInContext([], 'missing.jpg', slip)).rejects.toMatchObject(refused);
  await expect(InContextSegmenter.load('missing', slip)).rejects.toMatchObject(refused);
});
