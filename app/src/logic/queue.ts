/** How far a queue is. */
export interface QueueProgress {
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  /** Seconds until the end, by the last few items; `undefined` before the first is done. */
  readonly secondsLeft: number | undefined;
}

/** Items whose time tells how long the rest takes. */
const WINDOW = 5;

/**
 * Works items off one by one. One that fails is counted and passed by; the signal stops all.
 *
 * @param onProgress hears before the first and after each.
 * @param now a clock in milliseconds.
 */
export async function runQueue<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
  {
    signal,
    onProgress,
    onFailure,
    now = () => performance.now(),
  }: {
    readonly signal: AbortSignal;
    readonly onProgress: (progress: QueueProgress) => void;
    readonly onFailure: (item: Item, error: Error) => void;
    readonly now?: () => number;
  },
): Promise<QueueProgress> {
  let progress: QueueProgress = { done: 0, failed: 0, total: items.length, secondsLeft: undefined };
  const ends = [now()];
  onProgress(progress);
  for (const item of items) {
    if (signal.aborted) break;
    let { failed } = progress;
    try {
      await work(item);
    } catch (error) {
      if (signal.aborted) break;
      failed++;
      onFailure(item, error as Error);
    }
    ends.push(now());
    const recent = ends.slice(-WINDOW - 1);
    const each = (recent[recent.length - 1] - recent[0]) / (recent.length - 1) / 1000;
    const done = progress.done + 1;
    progress = { done, failed, total: items.length, secondsLeft: each * (items.length - done) };
    onProgress(progress);
  }
  return progress;
}
