import type { ContextPrompts } from '../../../src/models/context/context-decoder';
import type { ContextReading, ContextSession } from '../../../src/tasks/in-context/context-session';
import { ContextMemory } from '../../../src/tasks/tracking/context-memory';

const fits = {
  ...{ width: 2, height: 2, labels: [3, 7] },
  planes: [0.1, 0.7, 0.2].map((fit) => new Float32Array(4).fill(fit)),
};

/** A memory, what its session remembers (by the frames' numbers), and readings that say what they were kept with. */
function scripted() {
  const made = new Map<ContextPrompts, number>();
  const masks: (readonly Float32Array[])[] = [];
  let remembered: number[] = [];
  const session = {
    remember: (prompts: readonly ContextPrompts[]) =>
      (remembered = prompts.map((each) => made.get(each)!)),
  } as unknown as ContextSession;
  const reading = (index: number, size = 2) =>
    ({
      size,
      prompt: (given: readonly Float32Array[]) => {
        masks.push(given);
        const prompts = { keys: { shape: [] }, values: [] };
        made.set(prompts, index);
        return Promise.resolve(prompts);
      },
    }) as unknown as ContextReading;
  return { memory: new ContextMemory(session), reading, masks, remembered: () => remembered };
}

it('keeps the last frame, and every fourth of those before, three at most', async () => {
  const { memory, reading, remembered } = scripted();
  const after: number[][] = [];
  for (let i = 0; i < 19; i++) {
    await memory.add(reading(i), fits, [3, 7], i);
    after.push(remembered());
  }
  expect(after[0]).toEqual([0]);
  expect(after[1]).toEqual([0, 1]);
  expect(after[3]).toEqual([0, 3]);
  expect(after[6]).toEqual([0, 4, 6]);
  expect(after[16]).toEqual([4, 8, 12, 16]);
  expect(after[18]).toEqual([8, 12, 16, 18]);
  memory.clear();
  expect(remembered()).toEqual([]);
});

it('masks are the fits of labels in the session’s order, at the decoder’s size', async () => {
  const { memory, reading, masks } = scripted();
  await memory.add(reading(0, 4), fits, [7, 3], 0);
  expect(masks[0].map((mask) => mask.length)).toEqual([16, 16]);
  expect(masks[0].map(([fit]) => fit)).toEqual([Math.fround(0.2), Math.fround(0.7)]);
});
