import { encodeBrush } from '../formats/brush-rle';
import { type Annotated, textFile } from '../model/annotated';

/** How a Label Studio project calls things. */
export interface LabelStudioOptions {
  /** The name of the `<BrushLabels>` tag in the project's labelling configuration. @default 'tag' */
  readonly fromName?: string;
  /** The name of its `<Image>` tag. @default 'image' */
  readonly toName?: string;
  /** The variable of the `<Image>` tag's `value`, without the dollar sign. @default 'image' */
  readonly dataKey?: string;
  /** Whose predictions they are. @default 'seggpt' */
  readonly modelVersion?: string;
}

/**
 * Pre-annotations for Label Studio (labelstud.io, "Import pre-annotations"): tasks with predictions, each mask a brush region
 * with its score, and the prediction's the mean of these. The project needs a labelling configuration like
 *
 * ```html
 * <View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="cup"/></BrushLabels></View>
 * ```
 */
export class LabelStudioFile {
  private readonly tasks: object[] = [];

  constructor(private readonly options: LabelStudioOptions = {}) {}

  /**
   * Adds a picture as a task, with its masks that are present.
   *
   * @param image URL or path under which Label Studio finds the picture.
   */
  add(image: string, { width, height, masks }: Annotated): void {
    const { fromName = 'tag', toName = 'image', dataKey = 'image' } = this.options;
    const present = masks.filter((mask) => mask.present);
    const result = present.map((mask) => ({
      id: `${this.tasks.length + 1}-${mask.label}`,
      type: 'brushlabels',
      from_name: fromName,
      to_name: toName,
      original_width: width,
      original_height: height,
      image_rotation: 0,
      score: mask.score,
      value: { format: 'rle', rle: encodeBrush(mask.toBinary()), brushlabels: [mask.name] },
    }));
    const score = present.reduce((sum, mask) => sum + mask.score, 0) / (present.length || 1);
    const { modelVersion = 'seggpt' } = this.options;
    this.tasks.push({
      data: { [dataKey]: image },
      predictions: [{ model_version: modelVersion, score, result }],
    });
  }

  /** The file's bytes: JSON in UTF-8. */
  encode(): Uint8Array {
    // A brush has thousands of numbers, each of which would have a line of its own.
    return textFile(`${JSON.stringify(this.tasks)}\n`);
  }
}
