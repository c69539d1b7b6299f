/** The picture that is being marked: its labels as pixels, undo, and the clicks of the object at hand. */
import { effect, signal } from '@preact/signals';
import { lineBounds, paintLine, type Place } from '../logic/brush';
import { connectedRegion } from '../logic/flood-fill';
import { History } from '../logic/history';
import { copyRect, type LabelRaster } from '../logic/label-raster';
import { clipRect, type Rect, unionRect } from '../logic/rect';
import { decodeRuns, encodeRuns, labelAreas } from '../logic/runs';
import { strings } from '../strings';
import type { Shown } from '../workers/engine-worker';
import { clickWorker } from '../workers/workers';
import {
  activeLabel,
  brushRadius,
  currentId,
  patchPicture,
  type Picture,
  pictures,
  say,
  thinking,
  tool,
} from './store';

/** What is shown of the object at hand. */
type Clicks = Shown;
const NONE: Clicks = { points: [] };

/** Someone draws what changed. */
export const changedRect = signal<Rect | undefined>(undefined);
export const clicks = signal<Clicks>(NONE);
export const polygon = signal<readonly Place[]>([]);
export const canUndo = signal(false);
export const canRedo = signal(false);

interface Editing {
  readonly id: string;
  readonly raster: LabelRaster;
  readonly history: History<Clicks>;
  version: number;
}

let editing: Editing | undefined;
/** The labels under the object at hand, as they were before it. */
let base: Uint8Array | undefined;
let stroke: { readonly before: Uint8Array; last: Place; rect: Rect | undefined } | undefined;
/** Clicks are answered in their order; one that is no longer wanted is dropped. */
let turn = 0;
/** Undo reaches back for the pictures that were looked at last. */
const histories = new Map<string, History<Clicks>>();

export const raster = (): LabelRaster | undefined => editing?.raster;

/** Follows the current picture, and marks of it that come from elsewhere. */
export function startEditor(): void {
  effect(() => {
    const picture = pictures.value.find(({ id }) => id === currentId.value);
    if (!picture) editing = undefined;
    else if (editing?.id !== picture.id || editing.version !== picture.version) show(picture);
  });
}

function show({ id, width, height, runs, version, blob }: Picture): void {
  const isOther = editing?.id !== id;
  if (!isOther) histories.delete(id); // the marks come from elsewhere: steps do not fit them
  const history = histories.get(id) ?? new History<Clicks>();
  histories.set(id, history);
  editing = {
    id,
    history,
    version,
    raster: { width, height, data: decodeRuns(runs, width * height) },
  };
  endObject();
  tellSteps();
  changedRect.value = { x: 0, y: 0, width, height };
  // The first click finds the picture encoded.
  if (isOther) void clickWorker.ready(id, blob).catch(() => undefined);
}

/** Begins another object: what is shown next adds to it no more. */
export function endObject(): void {
  turn++;
  base = undefined;
  clicks.value = NONE;
  polygon.value = [];
}

/** Shows the model more of the object at hand: a point inside or outside, or a box. */
export async function showObject(more: {
  readonly point?: Place;
  readonly inside?: boolean;
  readonly box?: readonly [number, number, number, number];
}): Promise<void> {
  const picture = pictures.value.find(({ id }) => id === editing?.id);
  if (!editing || !picture) return;
  const now = editing;
  const before = clicks.value;
  const shown: Clicks = more.box
    ? { points: [], box: more.box }
    : {
        ...before,
        points: [...before.points, [...more.point!, more.inside === false ? 0 : 1] as const],
      };
  if (more.box) base = undefined;
  base ??= now.raster.data.slice();
  clicks.value = shown;
  const mine = ++turn;
  thinking.value = strings.thinking;
  try {
    const mask = await clickWorker.click(picture.id, picture.blob, shown);
    if (mine !== turn || editing !== now) return;
    if (!mask) {
      clicks.value = before;
      return say(strings.nothingThere, true);
    }
    const label = activeLabel.value;
    const { rect, inside } = mask;
    change((data, { width, height }) => {
      data.set(base!);
      for (let row = 0; row < rect.height; row++)
        for (let column = 0; column < rect.width; column++)
          if (inside[row * rect.width + column])
            data[(rect.y + row) * width + rect.x + column] = label;
      return { x: 0, y: 0, width, height };
    }, before);
  } catch (error) {
    clicks.value = before;
    say(strings.failedClick((error as Error).message), true);
  } finally {
    if (mine === turn || editing !== now) thinking.value = undefined;
  }
}

/** Puts the pointer down, moves it, lifts it: brush and eraser. */
export function beginStroke(place: Place): void {
  if (!editing) return;
  endObject();
  stroke = { before: editing.raster.data.slice(), last: place, rect: undefined };
  moveStroke(place);
}

export function moveStroke(place: Place): void {
  if (!stroke || !editing) return;
  const label = tool.value === 'eraser' ? 0 : activeLabel.value;
  const rect = paintLine(editing.raster, stroke.last, place, brushRadius.value, label);
  const { last } = stroke;
  stroke.last = place;
  if (!rect) return;
  stroke.rect = unionRect(stroke.rect, rect);
  changedRect.value = clipRect(
    lineBounds(last, place, brushRadius.value + 1),
    editing.raster.width,
    editing.raster.height,
  );
}

export function endStroke(): void {
  const ended = stroke;
  stroke = undefined;
  if (!ended?.rect || !editing) return;
  const before = copyRect({ ...editing.raster, data: ended.before }, ended.rect);
  remember(ended.rect, before, NONE);
}

/** Fills the region under a point. */
export function fillAt([x, y]: Place): void {
  if (!editing) return;
  const { width, height } = editing.raster;
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= width || row >= height) return;
  endObject();
  const inside = connectedRegion(editing.raster, column, row);
  paintInside(inside);
}

export function addCorner(place: Place): void {
  polygon.value = [...polygon.value, place];
}

/** Closes the outline. */
export async function closePolygon(): Promise<void> {
  const corners = polygon.value;
  polygon.value = [];
  if (corners.length < 3 || !editing) return;
  const now = editing;
  const { polygonsToMask } = await import('seggpt/masks');
  const { width, height } = now.raster;
  if (editing === now) paintInside(polygonsToMask([corners.flat()], height, width));
}

function paintInside(inside: Uint8Array): void {
  const label = activeLabel.value;
  change((data, { width, height }) => {
    for (let at = 0; at < data.length; at++) if (inside[at]) data[at] = label;
    return { x: 0, y: 0, width, height };
  }, clicks.value);
}

/** Takes all marks of the picture away. */
export function clearMarks(): void {
  endObject();
  change((data, { width, height }) => {
    data.fill(0);
    return { x: 0, y: 0, width, height };
  }, NONE);
}

/** Changes the labels in one step. */
function change(
  paint: (data: Uint8Array, raster: LabelRaster) => Rect,
  clicksBefore: Clicks,
): void {
  if (!editing) return;
  const before = editing.raster.data.slice();
  const rect = boundsOfChange(before, editing.raster, paint(editing.raster.data, editing.raster));
  if (rect) remember(rect, copyRect({ ...editing.raster, data: before }, rect), clicksBefore);
}

/** The smallest rectangle around what differs, so that undo keeps little. */
function boundsOfChange(before: Uint8Array, { data, width, height }: LabelRaster, whole: Rect) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = whole.y; y < whole.y + whole.height; y++)
    for (let x = whole.x; x < whole.x + whole.width; x++) {
      if (data[y * width + x] === before[y * width + x]) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  if (right < 0) return undefined;
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

function remember(rect: Rect, before: Uint8Array, extraBefore: Clicks): void {
  const { raster: now, history } = editing!;
  history.push({
    ...{ rect, before, after: copyRect(now, rect) },
    ...{ extraBefore, extraAfter: clicks.value },
  });
  commit(rect);
}

export function undo(): void {
  const step = editing?.history.undo(editing.raster);
  if (!step) return;
  turn++; // an answer that is on its way belongs to what was taken back
  goTo(step.extraBefore, step.rect);
}

export function redo(): void {
  const step = editing?.history.redo(editing.raster);
  if (step) goTo(step.extraAfter, step.rect);
}

function goTo(shown: Clicks, rect: Rect): void {
  clicks.value = shown;
  if (shown.points.length === 0 && !shown.box) base = undefined;
  polygon.value = [];
  thinking.value = undefined;
  commit(rect);
}

/** The picture as the page knows it takes over what was painted; a found one that is changed is a correction, and an example. */
function commit(rect: Rect): void {
  const { id, raster: now } = editing!;
  const picture = pictures.value.find((each) => each.id === id);
  if (!picture) return;
  const runs = encodeRuns(now.data);
  const isMarked = labelAreas(runs).size > 0;
  const wasFound = ['found', 'accepted', 'corrected'].includes(picture.status);
  editing!.version = picture.version + 1;
  patchPicture(id, {
    ...{ runs, version: picture.version + 1, failure: undefined },
    status: wasFound ? 'corrected' : isMarked ? 'marked' : 'new',
    isExample: isMarked,
  });
  changedRect.value = growByOne(rect, now);
  tellSteps();
}

/** Outlines reach a pixel further. */
function growByOne({ x, y, width, height }: Rect, whole: LabelRaster): Rect | undefined {
  return clipRect(
    { x: x - 1, y: y - 1, width: width + 2, height: height + 2 },
    whole.width,
    whole.height,
  );
}

function tellSteps(): void {
  canUndo.value = editing?.history.canUndo ?? false;
  canRedo.value = editing?.history.canRedo ?? false;
}
