import {
  readPrompts,
  type ReadPromptOptions,
  readTarget,
} from '../../../src/tasks/in-context/prompts';
import { fixture } from '../../helpers/fixture';

const file = (name: string) => fixture(`masks/exif-raw-mask/${name}`);
const read = (photo: string, mask: string, options?: ReadPromptOptions) =>
  readPrompts([{ image: file(photo), mask: file(mask) }], options);

it('says that the photograph is turned and its mask is not', async () => {
  for (const resizeMasks of [false, true])
    await expect(
      read('photo-orientation-6.jpg', 'mask-of-stored-pixels.png', { resizeMasks }),
    ).rejects.toThrow(
      /the photograph is turned by EXIF \(orientation 6\) and its mask is not; pass the option orientation \('stored'\)/,
    );
});

it('reads both as they are stored', async () => {
  const options = { orientation: 'stored' } as const;
  const { prompts } = await read('photo-orientation-6.jpg', 'mask-of-stored-pixels.png', options);
  expect(prompts[0].image).toMatchObject({ width: 120, height: 160 });
  expect(await readTarget(file('photo-orientation-6.jpg'), options)).toMatchObject({ width: 120 });
  await expect(
    read('photo-orientation-6.jpg', 'mask-of-upright-picture.png', options),
  ).rejects.toThrow(
    /read as its pixels are stored, and the mask .*leave out the option orientation/,
  );
});

it('takes masks of the upright picture by default', async () => {
  const { prompts } = await read('photo-orientation-6.jpg', 'mask-of-upright-picture.png');
  expect(prompts[0].image).toMatchObject({ width: 160, height: 120 });
});

describe('warns where sizes do not tell', () => {
  it.each([
    [undefined, 1],
    ['upright', 0],
    ['stored', 0],
  ] as const)('with the orientation %s', async (orientation, warnings) => {
    const warned = jest.spyOn(process, 'emitWarning').mockReturnValue();
    await read('photo-orientation-3.jpg', 'mask-of-stored-pixels-3.png', { orientation });
    expect(warned.mock.calls.map(([message]) => String(message))).toEqual(
      warnings
        ? [expect.stringMatching(/photo-orientation-3\.jpg: .*turned by EXIF \(orientation 3\)/)]
        : [],
    );
    warned.mockRestore();
  });
});
