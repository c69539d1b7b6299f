/**
 * Label maps at rest: runs of one label, row by row, as pairs of label and length. A picture of a million pixels with a few
 * objects takes some kilobytes, so that hundreds of pictures can be open.
 */
export type Runs = Uint32Array<ArrayBuffer>;

export function encodeRuns(data: Uint8Array): Runs {
  const runs: number[] = [];
  for (let at = 0; at < data.length;) {
    const start = at;
    const label = data[at++];
    while (at < data.length && data[at] === label) at++;
    runs.push(label, at - start);
  }
  return Uint32Array.from(runs);
}

/** @returns labels of as many pixels as asked for. @throws RangeError if the runs are of another number. */
export function decodeRuns(runs: Runs, pixels: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(pixels);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const end = at + runs[i + 1];
    if (end > pixels) throw new RangeError(`Runs go beyond ${pixels} pixels.`);
    data.fill(runs[i], at, end);
    at = end;
  }
  if (at !== pixels) throw new RangeError(`Runs fill ${at} of ${pixels} pixels.`);
  return data;
}

/** Pixels of each label that runs show, the background left out. */
export function labelAreas(runs: Runs): Map<number, number> {
  const areas = new Map<number, number>();
  for (let i = 0; i < runs.length; i += 2)
    if (runs[i] !== 0) areas.set(runs[i], (areas.get(runs[i]) ?? 0) + runs[i + 1]);
  return areas;
}
