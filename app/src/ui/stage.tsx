import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Place } from '../logic/brush';
import { fitView, toPicture, type View, zoomAt } from '../logic/view';
import {
  addCorner,
  beginStroke,
  changedRect,
  clicks,
  endStroke,
  fillAt,
  moveStroke,
  polygon,
  raster,
  showObject,
} from '../state/editor';
import {
  activeLabel,
  brushRadius,
  current,
  currentId,
  labels,
  thinking,
  tool,
} from '../state/store';
import { strings } from '../strings';
import { drawLabels } from './draw-labels';
import { Icon } from './icons';

/** Steps of the pointer by arrow keys, in pixels of the picture. */
const STEP = 4;
const LONG_STEP = 32;

type Drag =
  | { readonly kind: 'pan'; readonly from: Place; readonly view: View }
  | { readonly kind: 'stroke' }
  | { readonly kind: 'box'; readonly from: Place };

/** The picture, its labels above it, and above both what is being shown: points, boxes, outlines. */
export function Stage() {
  const frame = useRef<HTMLDivElement>(null);
  const photo = useRef<HTMLCanvasElement>(null);
  const marks = useRef<HTMLCanvasElement>(null);
  const view = useSignal<View>({ x: 0, y: 0, scale: 1 });
  const pointer = useSignal<Place | undefined>(undefined);
  const box = useSignal<readonly [number, number, number, number] | undefined>(undefined);
  const drag = useRef<Drag | undefined>(undefined);
  const fingers = useRef(new Map<number, Place>());

  const fit = () => {
    const [picture, stage] = [current.peek(), frame.current];
    if (picture && stage)
      view.value = fitView(picture, { width: stage.clientWidth, height: stage.clientHeight });
  };
  const zoom = (factor: number) => {
    const { clientWidth, clientHeight } = frame.current!;
    view.value = zoomAt(view.value, [clientWidth / 2, clientHeight / 2], factor);
  };

  useSignalEffect(() => {
    const id = currentId.value;
    const picture = current.peek();
    if (!picture || !photo.current) return;
    pointer.value = undefined;
    fit();
    void createImageBitmap(picture.blob).then((bitmap) => {
      if (currentId.peek() === id && photo.current) {
        Object.assign(photo.current, { width: bitmap.width, height: bitmap.height });
        photo.current.getContext('2d')!.drawImage(bitmap, 0, 0);
      }
      bitmap.close();
    });
  });
  useSignalEffect(() => {
    const rect = changedRect.value;
    const now = raster();
    const canvas = marks.current;
    const shown = labels.value;
    if (!rect || !now || !canvas) return;
    const isFresh = canvas.width !== now.width || canvas.height !== now.height;
    if (isFresh) Object.assign(canvas, { width: now.width, height: now.height });
    const whole = { x: 0, y: 0, width: now.width, height: now.height };
    drawLabels(canvas.getContext('2d')!, now, isFresh ? whole : rect, shown);
  });
  useEffect(() => {
    const watch = new ResizeObserver(fit);
    watch.observe(frame.current!);
    return () => watch.disconnect();
  }, []);

  const placeOf = (event: MouseEvent): Place => {
    const { left, top } = frame.current!.getBoundingClientRect();
    return toPicture(view.value, [event.clientX - left, event.clientY - top]);
  };
  const isInside = ([x, y]: Place) => {
    const { width, height } = current.value!;
    return x >= 0 && y >= 0 && x < width && y < height;
  };
  const useTool = (place: Place, inside: boolean) => {
    if (tool.value === 'click' && isInside(place)) void showObject({ point: place, inside });
    else if (tool.value === 'polygon') addCorner(place);
    else if (tool.value === 'fill') fillAt(place);
  };

  const down = (event: PointerEvent) => {
    if (!current.value) return;
    frame.current!.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, [event.clientX, event.clientY]);
    const place = placeOf(event);
    const from: Place = [event.clientX, event.clientY];
    if (event.button === 1 || tool.value === 'pan' || fingers.current.size > 1) {
      if (drag.current?.kind === 'stroke') endStroke();
      box.value = undefined;
      drag.current = { kind: 'pan', from, view: view.value };
    } else if (tool.value === 'brush' || tool.value === 'eraser') {
      drag.current = { kind: 'stroke' };
      beginStroke(place);
    } else if (tool.value === 'box') drag.current = { kind: 'box', from: place };
    else useTool(place, !event.altKey && event.button !== 2);
  };
  const move = (event: PointerEvent) => {
    if (!current.value) return;
    const place = placeOf(event);
    pointer.value = place;
    const known = fingers.current.get(event.pointerId);
    if (known && fingers.current.size === 2) {
      const other = [...fingers.current].find(([id]) => id !== event.pointerId)![1];
      const distance = (at: Place) => Math.hypot(at[0] - other[0], at[1] - other[1]) || 1;
      const { left, top } = frame.current!.getBoundingClientRect();
      const factor = distance([event.clientX, event.clientY]) / distance(known);
      view.value = zoomAt(view.value, [other[0] - left, other[1] - top], factor);
      fingers.current.set(event.pointerId, [event.clientX, event.clientY]);
      return;
    }
    if (known) fingers.current.set(event.pointerId, [event.clientX, event.clientY]);
    const now = drag.current;
    if (now?.kind === 'pan')
      view.value = {
        ...view.value,
        x: now.view.x + event.clientX - now.from[0],
        y: now.view.y + event.clientY - now.from[1],
      };
    else if (now?.kind === 'stroke') moveStroke(place);
    else if (now?.kind === 'box') box.value = cornersOf(now.from, place);
  };
  const up = (event: PointerEvent) => {
    fingers.current.delete(event.pointerId);
    if (drag.current?.kind === 'stroke') endStroke();
    if (drag.current?.kind === 'box') finishBox();
    drag.current = undefined;
  };
  const finishBox = () => {
    const [picture, shown] = [current.value!, box.value];
    box.value = undefined;
    if (!shown) return;
    const [x0, y0, x1, y1] = shown;
    const clipped = [
      Math.max(0, x0),
      Math.max(0, y0),
      Math.min(picture.width, x1),
      Math.min(picture.height, y1),
    ] as const;
    if (clipped[2] - clipped[0] > 2 && clipped[3] - clipped[1] > 2)
      void showObject({ box: clipped });
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const { left, top } = frame.current!.getBoundingClientRect();
    const at: Place = [event.clientX - left, event.clientY - top];
    view.value = zoomAt(view.value, at, Math.exp(-event.deltaY / 500));
  };
  const key = (event: KeyboardEvent) => {
    const picture = current.value;
    if (!picture) return;
    const far = event.shiftKey ? LONG_STEP : STEP;
    const [x, y] = pointer.value ?? [picture.width / 2, picture.height / 2];
    const moves: Record<string, Place> = {
      ArrowLeft: [x - far, y],
      ArrowRight: [x + far, y],
      ArrowUp: [x, y - far],
      ArrowDown: [x, y + far],
    };
    const to = moves[event.key];
    if (to) {
      event.preventDefault();
      pointer.value = [
        Math.min(picture.width - 1, Math.max(0, to[0])),
        Math.min(picture.height - 1, Math.max(0, to[1])),
      ];
      const began = drag.current?.kind === 'box' ? drag.current.from : undefined;
      if (began) box.value = cornersOf(began, pointer.value);
    } else if (event.key === ' ') {
      event.preventDefault();
      const place: Place = [x, y];
      pointer.value = place;
      if (tool.value === 'brush' || tool.value === 'eraser') {
        beginStroke(place);
        endStroke();
      } else if (tool.value !== 'box') useTool(place, !event.altKey);
      else if (drag.current?.kind === 'box') {
        drag.current = undefined;
        finishBox();
      } else drag.current = { kind: 'box', from: place };
    }
  };

  const { x, y, scale } = view.value;
  const picture = current.value;
  const color = labels.value.find(({ id }) => id === activeLabel.value)?.color;
  const screen = ([px, py]: Place) => [px * scale + x, py * scale + y] as const;
  const at = pointer.value && screen(pointer.value);
  const isBrush = tool.value === 'brush' || tool.value === 'eraser';
  const shownBox = box.value ?? clicks.value.box;
  const outline = polygon.value.map(screen);
  return (
    <div class="stage-area">
      <div
        ref={frame}
        class={`stage tool-${tool.value}`}
        tabIndex={0}
        role="application"
        aria-label={picture ? strings.stage(picture.name) : strings.pictures}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onPointerLeave={() => (pointer.value = undefined)}
        onWheel={wheel}
        onKeyDown={key}
        onContextMenu={(event) => event.preventDefault()}
      >
        <div
          class={scale > 3 ? 'paper is-close' : 'paper'}
          style={{ transform: `translate(${x}px, ${y}px) scale(${scale})` }}
        >
          <canvas ref={photo} />
          <canvas ref={marks} />
        </div>
        <svg class="shown" aria-hidden="true">
          {shownBox && (
            <rect
              class="box"
              x={shownBox[0] * scale + x}
              y={shownBox[1] * scale + y}
              width={(shownBox[2] - shownBox[0]) * scale}
              height={(shownBox[3] - shownBox[1]) * scale}
            />
          )}
          {outline.length > 0 && (
            <polyline class="outline" points={[...outline, ...(at ? [at] : [])].join(' ')} />
          )}
          {clicks.value.points.map(([px, py, inside]) => {
            const [cx, cy] = screen([px, py]);
            return (
              <g class={inside ? 'point' : 'point is-outside'} key={`${px},${py}`}>
                <circle cx={cx} cy={cy} r="8" />
                <path d={`M${cx - 4} ${cy}h8${inside ? `M${cx} ${cy - 4}v8` : ''}`} />
              </g>
            );
          })}
          {at && isBrush && (
            <circle
              class="brush-tip"
              cx={at[0]}
              cy={at[1]}
              r={brushRadius.value * scale}
              style={{ stroke: tool.value === 'eraser' ? undefined : color }}
            />
          )}
          {at && !isBrush && (
            <path class="cross" d={`M${at[0] - 7} ${at[1]}h14M${at[0]} ${at[1] - 7}v14`} />
          )}
        </svg>
        {thinking.value && <div class="thinking">{thinking.value}</div>}
      </div>
      <div class="view-buttons" role="group" aria-label={strings.fit}>
        <button type="button" onClick={() => zoom(1 / 1.4)} aria-label={strings.zoomOut}>
          <Icon name="minus" />
        </button>
        <button type="button" class="scale" onClick={fit} title={strings.fit}>
          {Math.round(scale * 100)} %
        </button>
        <button type="button" onClick={() => zoom(1.4)} aria-label={strings.zoomIn}>
          <Icon name="plus" />
        </button>
      </div>
    </div>
  );
}

function cornersOf([x0, y0]: Place, [x1, y1]: Place) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)] as const;
}
