import { UsageError } from './usage-error';

/** A picture's size as it is seen, EXIF's orientation applied: YOLO's shares are of that. @throws UsageError */
export async function shownSize(path: string): Promise<{ width: number; height: number }> {
  const { default: sharp } = await import('sharp');
  try {
    const { autoOrient } = await sharp(path).metadata();
    return autoOrient;
  } catch (error) {
    throw new UsageError(
      `--prompt: "${path}" cannot be read as a picture (${(error as Error).message}).`,
    );
  }
}
