import { MemoryBank, type RememberedFrame } from '../../../src/tasks/tracking/memory-bank';

const fits = { height: 1, width: 1, labels: [], planes: [] };
/** A frame of an even grey. */
const frame = (level: number, score = 1, length = 21): RememberedFrame => ({
  image: new Uint8Array(length).fill(level),
  fits,
  score,
});
const levels = (bank: MemoryBank) => bank.entries.map(({ image }) => image[0]);
function filled(bank: MemoryBank, frames: readonly RememberedFrame[]) {
  for (const each of frames) bank.add(each);
  return levels(bank);
}

it('holds as many as it may, oldest first', () => {
  const bank = new MemoryBank(3, 'recent');
  expect(levels(bank)).toEqual([]);
  expect(filled(bank, [frame(1), frame(2), frame(3)])).toEqual([1, 2, 3]);
  expect(bank.capacity).toBe(3);
});

it('forgets the oldest, however good it is', () => {
  const bank = new MemoryBank(2, 'recent');
  expect(filled(bank, [frame(1, 1), frame(2, 0), frame(200, 0.5), frame(201, 0.1)])).toEqual([
    200, 201,
  ]);
});

it('keeps what was added as it was', () => {
  const bank = new MemoryBank(1, 'recent');
  const added = frame(5);
  bank.add(added);
  expect(bank.entries[0]).toBe(added);
});

describe('of distinct frames', () => {
  const distinct = (capacity: number, ...frames: RememberedFrame[]) =>
    filled(new MemoryBank(capacity, 'distinct'), frames);

  it('forgets one of the two that are most alike, the older', () => {
    expect(distinct(3, frame(0), frame(100), frame(103), frame(200))).toEqual([0, 103, 200]);
    expect(distinct(3, frame(100), frame(0), frame(103), frame(200))).toEqual([0, 103, 200]);
    expect(distinct(3, frame(0), frame(100), frame(200), frame(103))).toEqual([0, 200, 103]);
  });

  it('counts the newest among those it may be like', () => {
    // Of the older ones alone, 40 and 60 are most alike.
    expect(distinct(3, frame(200), frame(40), frame(60), frame(201))).toEqual([40, 60, 201]);
  });

  it('keeps the newest, even where it is the least sure', () => {
    expect(distinct(2, frame(0, 1), frame(250, 1), frame(249, 0))).toEqual([0, 249]);
  });

  it('weighs likeness by how sure each is', () => {
    // Least difference to another times score: 50 * 0.1, 10 * 1, 10 * 1.
    expect(distinct(3, frame(0, 0.1), frame(50), frame(60), frame(255))).toEqual([50, 60, 255]);
    // 50 * 0.5 against 10 * 1: now likeness decides.
    expect(distinct(3, frame(0, 0.5), frame(50), frame(60), frame(255))).toEqual([0, 60, 255]);
    // 10 * 1 against 10 * 0.9.
    expect(distinct(3, frame(0), frame(50), frame(60, 0.9), frame(255))).toEqual([0, 50, 255]);
  });

  it('forgets the oldest of equals', () => {
    expect(distinct(2, frame(9), frame(9), frame(9), frame(8))).toEqual([9, 8]);
    expect(distinct(2, frame(10, 1), frame(20, 1), frame(30, 1))).toEqual([20, 30]);
  });

  it('measures the difference over the whole picture, whichever is lighter', () => {
    const step = (from: number, to: number): RememberedFrame => ({
      image: Uint8Array.from({ length: 21 }, (_, i) => (i < 14 ? from : to)),
      fits,
      score: 1,
    });
    // Means over values 0, 7 and 14: from (90, 90, 30) it is 70 to (0, 0, 0) and 60 to (90, 90, 210);
    // the first two differ by (90 + 90 + 210) / 3 = 130.
    expect(distinct(2, step(0, 0), step(90, 210), step(90, 30))).toEqual([0, 90]);
    expect(
      filled(new MemoryBank(3, 'distinct'), [
        step(0, 0),
        step(1, 210),
        step(2, 30),
        step(255, 255),
      ]),
      // 0 and 2 differ by 11.3, 1 and 2 by 60.7: the oldest of the closest pair goes.
    ).toEqual([1, 2, 255]);
  });
});

it('remembers nothing where it may hold none', () => {
  const bank = new MemoryBank(0, 'distinct');
  bank.add(frame(1));
  expect(bank.entries).toEqual([]);
  expect(bank.version).toBe(0);
});

it('counts its changes, and only those', () => {
  const bank = new MemoryBank(1, 'recent');
  const seen = [bank.version];
  const note = () => seen.push(bank.version);
  bank.clear();
  note();
  bank.add(frame(1));
  note();
  bank.add(frame(2));
  note();
  bank.clear();
  note();
  bank.clear();
  note();
  expect(seen).toEqual([0, 0, 1, 2, 3, 3]);
  expect(bank.entries).toEqual([]);
  bank.add(frame(3));
  expect(levels(bank)).toEqual([3]);
});
