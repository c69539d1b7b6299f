import { AbortedError, VideoError } from '../../base/errors';
import type { FrameStore } from '../../video/frame-store';
import type { TimedFrame } from '../../video/timed-frame';

/**
 * Decodes a video's frames through WebCodecs, demuxed by the npm package `mediabunny`, which is loaded when it is
 * first needed. Each frame is closed when the next is asked for.
 *
 * @param location URL of the video.
 * @throws VideoError if the browser cannot read it, AbortedError
 */
async function* readVideo(location: string, signal?: AbortSignal): AsyncGenerator<TimedFrame> {
  const { ALL_FORMATS, Input, UrlSource, VideoSampleSink } = await import('mediabunny');
  const input = new Input({
    formats: ALL_FORMATS,
    source: new UrlSource(new URL(location, globalThis.location.href)),
  });
  try {
    const track = await input.getPrimaryVideoTrack();
    if (!track) throw new VideoError(`${location} holds no video.`);
    if (!(await track.canDecode()))
      throw new VideoError(`This browser cannot decode the video ${location}.`);
    let frames = 0;
    for await (const sample of new VideoSampleSink(track).samples()) {
      try {
        if (signal?.aborted) throw new AbortedError(signal);
        const canvas = new OffscreenCanvas(sample.displayWidth, sample.displayHeight);
        const pen = canvas.getContext('2d', { willReadFrequently: true });
        if (!pen) throw new VideoError('This browser gives no 2D canvas to read frames with.');
        sample.draw(pen, 0, 0); // turned upright, unlike the bare frame
        const { data, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height);
        frames++;
        yield { data, width, height, time: sample.timestamp };
      } finally {
        sample.close();
      }
    }
    if (frames === 0) throw new VideoError(`The video ${location} has no frames.`);
  } catch (cause) {
    if (cause instanceof VideoError || cause instanceof AbortedError) throw cause;
    throw new VideoError(
      `The video ${location} cannot be read: ${String((cause as Error).message)}`,
      { cause },
    );
  } finally {
    input.dispose();
  }
}

/** Frames in browsers: videos by WebCodecs. */
export const frameStore: FrameStore = {
  open: readVideo,
  list: (directory) =>
    Promise.reject(new VideoError(`Browsers cannot list the directory "${directory}".`)),
  createWriter: (path) => {
    throw new VideoError(
      `Browsers cannot write the video "${path}"; encode frames with WebCodecs.`,
    );
  },
};
