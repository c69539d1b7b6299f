/** The app's pure parts: painting, undo, the queue, the choice of examples, project files. */
import { paintLine } from '../../app/src/logic/brush';
import { connectedRegion } from '../../app/src/logic/flood-fill';
import { History } from '../../app/src/logic/history';
import { copyRect, type LabelRaster } from '../../app/src/logic/label-raster';
import { readProject, ProjectFileError, writeProject } from '../../app/src/logic/project-file';
import { choosePrompts } from '../../app/src/logic/prompt-choice';
import { type QueueProgress, runQueue } from '../../app/src/logic/queue';
import { decodeRuns, encodeRuns, labelAreas } from '../../app/src/logic/runs';
import { surenessOf } from '../../app/src/logic/sureness';
import { fitView, toPicture, zoomAt } from '../../app/src/logic/view';

const raster = (width: number, height: number): LabelRaster => ({
  ...{ width, height },
  data: new Uint8Array(width * height),
});
const rows = ({ data, width }: LabelRaster) =>
  Array.from({ length: data.length / width }, (_, y) =>
    data.subarray(y * width, (y + 1) * width).join(''),
  );

describe('brush', () => {
  it('paints pixels whose centres are near the line, and tells where', () => {
    const map = raster(7, 3);
    const rect = paintLine(map, [1.5, 1.5], [5.5, 1.5], 1, 2);
    expect(rows(map)).toEqual(['0222220', '2222222', '0222220']);
    expect(rect).toEqual({ x: 0, y: 0, width: 7, height: 3 });
  });

  it('paints nothing outside', () => {
    const map = raster(4, 4);
    expect(paintLine(map, [-9, -9], [-9, -9], 2, 1)).toBeUndefined();
    expect(map.data.some(Boolean)).toBe(false);
  });
});

it('a region hangs together edge to edge, not corner to corner', () => {
  const map = { width: 4, height: 3, data: Uint8Array.from([0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0]) };
  const inside = connectedRegion(map, 2, 0);
  expect(rows({ ...map, data: inside })).toEqual(['0011', '0110', '1100']);
});

describe('history', () => {
  const paint = (map: LabelRaster, history: History<string>, x: number, name: string) => {
    const rect = { x, y: 0, width: 1, height: 1 };
    const before = copyRect(map, rect);
    map.data[x] = 1;
    history.push({ rect, before, after: copyRect(map, rect), extraBefore: '', extraAfter: name });
  };

  it('goes back and forth, and forgets what was undone once something new is done', () => {
    const [map, history] = [raster(3, 1), new History<string>()];
    paint(map, history, 0, 'a');
    paint(map, history, 1, 'b');
    expect(history.undo(map)?.extraAfter).toBe('b');
    expect(rows(map)).toEqual(['100']);
    expect(history.redo(map)?.extraAfter).toBe('b');
    expect(rows(map)).toEqual(['110']);
    history.undo(map);
    paint(map, history, 2, 'c');
    expect(history.redo(map)).toBeUndefined();
    history.undo(map);
    history.undo(map);
    expect(rows(map)).toEqual(['000']);
    expect(history.canUndo).toBe(false);
  });

  it('keeps a bounded number of bytes, and always the last step', () => {
    const [map, history] = [raster(3, 1), new History<string>(4)];
    for (const x of [0, 1, 2]) paint(map, history, x, String(x));
    history.undo(map);
    history.undo(map);
    expect(history.undo(map)).toBeUndefined();
    expect(rows(map)).toEqual(['100']);
  });
});

describe('runs', () => {
  it('give the map back, and areas', () => {
    const data = Uint8Array.of(0, 0, 3, 3, 3, 1, 0, 3);
    const runs = encodeRuns(data);
    expect([...decodeRuns(runs, 8)]).toEqual([...data]);
    expect([...labelAreas(runs)]).toEqual([
      [3, 4],
      [1, 1],
    ]);
  });

  it('of another size are refused', () => {
    const runs = encodeRuns(new Uint8Array(8));
    expect(() => decodeRuns(runs, 7)).toThrow(RangeError);
    expect(() => decodeRuns(runs, 9)).toThrow(RangeError);
  });
});

describe('queue', () => {
  it('passes by what fails, and estimates the time left', async () => {
    let clock = 0;
    const told: QueueProgress[] = [];
    const failures: string[] = [];
    const end = await runQueue(
      ['a', 'b', 'c'],
      async (item) => {
        clock += 2000;
        if (item === 'b') throw new Error('broken');
      },
      {
        ...{ signal: new AbortController().signal, now: () => clock },
        onProgress: (each) => told.push(each),
        onFailure: (item, { message }) => failures.push(`${item}: ${message}`),
      },
    );
    expect(end).toEqual({ done: 3, failed: 1, total: 3, secondsLeft: 0 });
    expect(told.map(({ secondsLeft }) => secondsLeft)).toEqual([undefined, 4, 2, 0]);
    expect(failures).toEqual(['b: broken']);
  });

  it('ends with the signal, which is no failure', async () => {
    const stop = new AbortController();
    const failures: string[] = [];
    const end = await runQueue(
      ['a', 'b', 'c'],
      async (item) => {
        if (item === 'a') return;
        stop.abort();
        throw new Error('aborted');
      },
      {
        ...{ signal: stop.signal, onProgress: () => undefined },
        onFailure: (item) => failures.push(item),
      },
    );
    expect(end.done).toBe(1);
    expect(failures).toEqual([]);
  });
});

describe('choice of examples', () => {
  const at = (degrees: number) =>
    Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
  const candidate = (id: string, degrees: number, ...labels: number[]) => ({
    ...{ id, labels, features: at(degrees) },
  });

  it('takes the most alike first, then what is unlike those chosen', () => {
    const candidates = [
      candidate('same', 2, 1),
      candidate('twin', 3, 1),
      candidate('other', -40, 1),
    ];
    expect(choosePrompts(candidates, at(0), 2)).toEqual(['same', 'other']);
  });

  it('has an example for every label, however unlike', () => {
    const candidates = [candidate('a', 1, 1), candidate('b', 5, 1), candidate('c', 90, 2)];
    expect(choosePrompts(candidates, at(0), 2)).toEqual(['a', 'c']);
  });

  it('takes all where there are few', () => {
    expect(choosePrompts([candidate('a', 0, 1)], at(0), 4)).toEqual(['a']);
  });
});

it('a result is as sure as its least sure label', () => {
  const there = { label: 1, score: 0.9, strength: 0.8, present: true };
  expect(surenessOf([there])).toBe(0.8);
  expect(surenessOf([there, { label: 2, score: 0, strength: 0.45, present: false }])).toBe(0.55);
  expect(surenessOf([])).toBe(1);
});

describe('view', () => {
  it('keeps the point under the pointer', () => {
    const view = fitView({ width: 100, height: 50 }, { width: 400, height: 400 });
    const before = toPicture(view, [123, 210]);
    const after = toPicture(zoomAt(view, [123, 210], 2.5), [123, 210]);
    expect(after[0]).toBeCloseTo(before[0]);
    expect(after[1]).toBeCloseTo(before[1]);
  });
});

describe('project files', () => {
  const project = {
    labels: [{ id: 1, name: 'cup', color: '#e63946' }],
    pictures: [
      {
        ...{ name: 'a.jpg', width: 4, height: 3, status: 'found' as const, isExample: false },
        marks: { 1: '04' },
        found: [{ label: 1, score: 0.9, strength: 0.8, present: true }],
      },
    ],
  };

  it('come back as they were written', () => {
    expect(readProject(writeProject(project))).toEqual(project);
  });

  it.each([
    ['cut off', writeProject(project).slice(0, -20), /cut off/],
    ['another format', '{"images": []}', /no project/],
    ['another version', writeProject(project).replace('"version": 1', '"version": 2'), /version/],
    [
      'labels twice',
      writeProject({ ...project, labels: [...project.labels, ...project.labels] }),
      /damaged \(labels/,
    ],
    ['a mark without a label', writeProject({ ...project, labels: [] }), /a.jpg: marks/],
    ['a size of nothing', writeProject(project).replace('"width": 4', '"width": 0'), /size/],
  ])('%s: refused with the reason', (_, text, message) => {
    expect(() => readProject(text)).toThrow(ProjectFileError);
    expect(() => readProject(text)).toThrow(message);
  });
});
