import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingEnd } from '../../src/adapters/node/cut-off';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'seggpt-ends-'))));
afterAll(() => rm(folder, { recursive: true }));

/** An AVI's head that states a size, and so many bytes. */
function avi(stated: number, bytes: number): Buffer {
  const file = Buffer.alloc(bytes);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(stated, 4);
  file.write('AVI ', 8, 'latin1');
  return file;
}
const gif = (...end: number[]) =>
  Buffer.concat([Buffer.from('GIF89a..........'), Buffer.from(end)]);

it.each<[string, Buffer, RegExp | undefined]>([
  ['a whole AVI', avi(92, 100), undefined],
  ['an AVI of several parts', avi(50, 100), undefined],
  ['an AVI from a pipe', avi(0xffffffff, 100), undefined],
  ['an AVI that is cut', avi(192, 100), /states 200 bytes and has 100/],
  ['a whole GIF', gif(0x3b), undefined],
  ['a padded GIF', gif(0x3b, 0, 0, 0), undefined],
  ['a GIF that is cut', gif(0x21), /lacks its end/],
  ['something else', Buffer.from('hello'), undefined],
  ['nothing', Buffer.alloc(0), undefined],
])('%s', async (_, bytes, told) => {
  const path = join(folder, 'file');
  await writeFile(path, bytes);
  const found = await missingEnd(path);
  if (told) expect(found).toMatch(told);
  else expect(found).toBeUndefined();
});
