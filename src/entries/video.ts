/** `seggpt/video`: frames in and out. In Node by directories and ffmpeg, in browsers by WebCodecs. */
import { frameStore } from '../video/frame-store';

export { containerOf, type VideoContainer, videoContainers } from '../video/containers';
export type {
  FrameStore,
  FrameWriter,
  FrameWriterOptions,
  HearsOfDamage,
} from '../video/frame-store';
export type { TimedFrame } from '../video/timed-frame';

/** Frames of a directory of images or of a video; see {@link FrameStore.open}. */
export const openFrames = frameStore.open;
/** Image files of a directory, in order; see {@link FrameStore.list}. */
export const listFrames = frameStore.list;
/** Begins a video file; see {@link FrameStore.createWriter}. */
export const createFrameWriter = frameStore.createWriter;
