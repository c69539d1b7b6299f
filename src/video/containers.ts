/** Containers that videos are written in, by the ends of their names. */
export const videoContainers = ['mp4', 'm4v', 'mov', 'mkv', 'webm', 'gif'] as const;
/** One of them. */
export type VideoContainer = (typeof videoContainers)[number];

/** Ends of names that mean a video, a picture or a sound, none of which is written. */
const OTHERS =
  /\.(3g2|3gp|apng|asf|avi|avif|av1|bmp|divx|dv|f4v|flac|flv|h26[45]|hevc|ivf|jpe?g|m2ts|m2v|mka|mjpe?g|mk3d|mp3|mpe?g|mts|mxf|nut|ogg|ogm|ogv|opus|png|rm|rmvb|swf|tiff?|ts|vob|wav|webp|wmv|y4m)$/i;

/**
 * What a name says that is to be written: a video, a file of a kind that cannot be written, or (`undefined`) no video at all.
 *
 * @example
 * containerOf('walk.MP4'); // 'mp4'
 * containerOf('walk.avi'); // 'other'
 * containerOf('walk'); // undefined
 */
export function containerOf(path: string): VideoContainer | 'other' | undefined {
  const ending = /\.(\w+)$/.exec(path)?.[1].toLowerCase();
  const container = videoContainers.find((each) => each === ending);
  return container ?? (OTHERS.test(path) ? 'other' : undefined);
}
