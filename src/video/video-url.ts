/** Protocols of streams that a video may come by. All else is the name of a file, whatever its punctuation. */
const URL_START = /^(https?|rtsps?|rtmps?|srt|rtp|udp):\/\//i;

/** Whether a video's location is a URL given on purpose, rather than the path of a file. */
export function isVideoUrl(location: string): boolean {
  return URL_START.test(location);
}
