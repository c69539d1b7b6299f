import { useEffect, useRef } from 'preact/hooks';
import { decodeRuns } from '../logic/runs';
import { surenessOf } from '../logic/sureness';
import { currentId, labels, leastSureFirst, type Picture, sortedPictures } from '../state/store';
import { strings } from '../strings';
import { drawLabels } from './draw-labels';

const SIDE = 112;

/** All pictures, small, with what is marked or found in them. */
export function FilmStrip() {
  return (
    <nav class="film" aria-label={strings.pictures}>
      <label class="check">
        <input
          type="checkbox"
          checked={leastSureFirst.value}
          onChange={({ currentTarget }) => (leastSureFirst.value = currentTarget.checked)}
        />
        {strings.sort}
      </label>
      <ol>
        {sortedPictures.value.map((picture) => (
          <li key={picture.id}>
            <Thumbnail picture={picture} />
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Thumbnail({ picture }: { readonly picture: Picture }) {
  const { id, name, status, isExample, found, failure } = picture;
  const facts = [
    isExample && status !== 'corrected' ? strings.exampleShort : strings.status[status],
    status === 'found' && found && strings.share(surenessOf(found)),
    failure && strings.failed,
  ].filter(Boolean);
  return (
    <button
      type="button"
      class={`thumbnail is-${failure ? 'failed' : isExample ? 'example' : status}`}
      aria-current={currentId.value === id}
      onClick={() => (currentId.value = id)}
    >
      <SmallPicture picture={picture} />
      <span class="name">{name}</span>
      {facts.length > 0 && (
        <>
          <span class="sr">, </span>
          <span class="badge">{facts.join(', ')}</span>
        </>
      )}
    </button>
  );
}

function SmallPicture({ picture }: { readonly picture: Picture }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { blob, width, height, version } = picture;
  const shown = labels.value;
  useEffect(() => {
    let isGone = false;
    const scale = Math.min(1, SIDE / Math.min(width, height));
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
    void createImageBitmap(blob, { resizeWidth: w, resizeHeight: h }).then((bitmap) => {
      if (!isGone && canvas.current) draw(canvas.current, bitmap, picture, scale);
      bitmap.close();
    });
    return () => void (isGone = true);
  }, [blob, version, shown]);
  return <canvas ref={canvas} width={SIDE} height={SIDE} />;
}

function draw(canvas: HTMLCanvasElement, bitmap: ImageBitmap, picture: Picture, scale: number) {
  const [width, height] = [bitmap.width, bitmap.height];
  Object.assign(canvas, { width, height });
  const full = decodeRuns(picture.runs, picture.width * picture.height);
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.min(picture.height - 1, Math.floor((y + 0.5) / scale)) * picture.width;
    for (let x = 0; x < width; x++)
      data[y * width + x] = full[row + Math.min(picture.width - 1, Math.floor((x + 0.5) / scale))];
  }
  const marks = new OffscreenCanvas(width, height);
  const rect = { x: 0, y: 0, width, height };
  drawLabels(marks.getContext('2d')!, { width, height, data }, rect, labels.peek());
  const pen = canvas.getContext('2d')!;
  pen.drawImage(bitmap, 0, 0);
  pen.drawImage(marks, 0, 0);
}
