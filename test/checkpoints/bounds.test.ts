/** Files that ask for far more work than their size: each is refused before the work, by limits no model meets. */
import { CheckpointError } from '../../src/base/errors';
import { memoryAccess } from '../../src/checkpoints/memory-access';
import { readPickle } from '../../src/checkpoints/pickle';
import { openSafetensors } from '../../src/checkpoints/safetensors';
import { readZipDirectory } from '../../src/checkpoints/zip';
import { configLimits } from '../../src/models/config-limits';
import { parseContextConfig } from '../../src/models/context/config';
import { parseSamConfig } from '../../src/models/sam/config';
import { parseInputSize, parsePainterConfig } from '../../src/models/seggpt/config';
import { miniConfig } from '../helpers/tiny-checkpoint';

const utf8 = new TextEncoder();
/** What is thrown, and how long that took in milliseconds. */
async function refusal(work: () => unknown) {
  const began = performance.now();
  const error: unknown = await Promise.resolve()
    .then(work)
    .then(
      () => null,
      (thrown: unknown) => thrown,
    );
  expect(error).toBeInstanceOf(CheckpointError);
  return { message: (error as Error).message, took: performance.now() - began };
}
const text = (value: string) => [0x8c, value.length, ...utf8.encode(value)];
const global = (module: string, name: string) => [0x63, ...utf8.encode(`${module}\n${name}\n`)];

describe('pickles', () => {
  const refused = (program: number[]) =>
    refusal(() => readPickle(Uint8Array.from([0x80, 4, ...program, 0x2e]), 'x.pth'));

  it('a list doubled by memo is no name', async () => {
    const doubled = Array.from({ length: 30 }, (_, i) => [0x71, i, 0x68, i, 0x86]).flat();
    const { message, took } = await refused([...text('a'), ...doubled, ...text('x'), 0x93]);
    expect(message).toContain('a name is no text');
    expect(took).toBeLessThan(1000); // 58 s and 1.8 GB when it was made a text
  });

  it('lists nested 20,000 deep are no name', async () => {
    const nested = Array<number>(20_000).fill(0x85);
    const { message } = await refused([0x5d, ...nested, ...text('x'), 0x93]);
    expect(message).toContain('a name is no text');
  });

  it('shapes have at most eight sides', async () => {
    const storage = [0x28, ...text('storage'), ...global('torch', 'FloatStorage'), ...text('0')];
    const tensor = (sides: number) => [
      ...global('torch._utils', '_rebuild_tensor_v2'),
      ...[0x28, ...storage, ...text('cpu'), 0x4b, 1, 0x74, 0x51, 0x4b, 0],
      ...[0x28, ...Array<number[]>(sides).fill([0x4b, 1]).flat(), 0x74, 0x71, 2, 0x68, 2],
      ...[0x74, 0x52],
    ];
    expect((await refused(tensor(9))).message).toContain('a tensor is described wrongly');
    expect(readPickle(Uint8Array.from([0x80, 4, ...tensor(8), 0x2e]), 'x.pth')).toMatchObject({
      shape: Array(8).fill(1),
    });
  });

  it.each([
    ['dictionaries', [0x7d]],
    ['lists', [0x5d]],
    ['tuples', [0x4e, 0x85]],
  ])('holds no more %s than a model has', async (_, opcodes) => {
    const many = Array<number[]>(300_000).fill(opcodes).flat();
    expect((await refused(many)).message).toContain('more objects than a model has');
  });

  it('numbers are no longer than PyTorch writes them', async () => {
    const { message } = await refused([0x8a, 200, ...Array<number>(200).fill(1)]);
    expect(message).toContain('a number of 200 bytes');
  });
});

describe('archives', () => {
  /** An archive whose directory names one member over and over. */
  function crowded(count: number): Uint8Array {
    const record = Buffer.alloc(50);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE(4, 28);
    const records = Array.from({ length: count }, (_, i) => {
      record.write(i.toString(36).padStart(4, '0').slice(-4), 46, 'latin1');
      return Buffer.from(record);
    });
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    const wide = Buffer.alloc(56);
    wide.writeUInt32LE(0x06064b50, 0);
    wide.writeBigUInt64LE(BigInt(count), 32);
    wide.writeBigUInt64LE(BigInt(count * 50), 40);
    wide.writeBigUInt64LE(30n, 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(30 + count * 50), 8);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    return Buffer.concat([local, ...records, wide, locator, end]);
  }

  it('has no more members than a model, and none of them is read before that is known', async () => {
    const reads: number[] = [];
    const bytes = crowded(20_000);
    const { read, ...access } = memoryAccess(bytes, 'x.pth');
    const counted = {
      ...access,
      read: (offset: number, length: number) => {
        reads.push(length);
        return read(offset, length);
      },
    };
    const { message } = await refusal(() => readZipDirectory(counted));
    expect(message).toContain('20000 members');
    expect(reads).toHaveLength(2); // the end, and its zip64 record
    await expect(readZipDirectory(memoryAccess(crowded(100), 'x.pth'))).resolves.toHaveProperty(
      'size',
      100,
    );
  });
});

it('a header of safetensors is refused by its length, before it is read', async () => {
  const bytes = new Uint8Array(3 << 20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt((3 << 20) - 8), true);
  const { message } = await refusal(() => openSafetensors(memoryAccess(bytes, 'x')));
  expect(message).toMatch(/header has 3145720 bytes/);
});

describe('configs', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
  const odd = JSON.parse('{"toString":1,"valueOf":1}') as unknown;
  const painter = (change: object) => parsePainterConfig({ ...miniConfig, ...change });

  it.each<[string, () => unknown]>([
    ['a million layers', () => painter({ num_hidden_layers: 1 << 20 })],
    ['a huge canvas', () => painter({ image_size: [1_600_000_000, 800_000_000] })],
    ['a huge patch', () => painter({ patch_size: 1 << 20 })],
    ['nested lists for a number', () => painter({ num_attention_heads: deep })],
    ['nested lists for channels', () => painter({ num_channels: deep })],
    ['what is no text for its type', () => painter({ model_type: odd })],
    ['what is no text for its activation', () => painter({ hidden_act: odd })],
    ['SAM of a million layers', () => sam({ num_hidden_layers: 60_000 })],
    ['SAM of huge pictures', () => sam({ image_size: 16_384, patch_size: 16 })],
    ['a long list of blocks', () => sam({ global_attn_indexes: Array(100_000).fill(0) })],
    ['a context decoder of a million looks', () => context({ looks: 1 << 20 })],
    ...[32_768, 1_600_000].map((side): [string, () => unknown] => [
      `pictures of ${side} pixels`,
      () => parseInputSize({ size: { height: side, width: side } }, painter({}), 'preprocessor'),
    ]),
    [
      'nested lists for a size',
      () => parseInputSize({ size: { height: deep, width: 1 } }, painter({}), 'preprocessor'),
    ],
  ])('refuses %s', async (_, work) => {
    const { message } = await refusal(work);
    expect(message.length).toBeLessThan(400);
  });

  it('takes the largest there are', () => {
    const size = { height: configLimits.side, width: configLimits.side };
    expect(parseInputSize({ size }, painter({}), 'preprocessor')).toEqual(size);
    expect(painter({ num_hidden_layers: configLimits.depth }).depth).toBe(configLimits.depth);
    expect(parseInputSize({ size: null }, painter({}), 'x')).toEqual({ height: 16, width: 16 });
  });
});

const sam = (vision: object) => parseSamConfig({ model_type: 'sam', vision_config: vision }, 'x');
const context = (change: object) =>
  parseContextConfig(
    {
      ...{ model_type: 'seggpt_context', channels: 8, width: 8, heads: 2, looks: 1, state: 8 },
      ...{ state_heads: 2, decodes: 1, waves: 1, tokens: 8, ...change },
    },
    'x',
  );
