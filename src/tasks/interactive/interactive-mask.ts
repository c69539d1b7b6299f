import { type Box, Mask } from '../../masks/mask';

/** What is known of a mask that a decoder made. */
export interface InteractiveMaskFields {
  readonly width: number;
  readonly height: number;
  /** Makes `(height, width)` of 0 and 1 when it is asked for: of a large picture's many masks few are. */
  readonly draw: () => Uint8Array;
  readonly area: number;
  readonly box: Box;
  readonly logits: Float32Array;
  readonly predictedIou: number;
  readonly stabilityScore: number;
}

/** A mask that was asked for by clicks, a box or a mask, or found by `everything`. Its label is 1, its score `predictedIou`. */
export class InteractiveMask extends Mask {
  /**
   * `(4G, 4G)` logits over the padded square, above 0 inside: what the decoder said, for further clicks (`{ mask }`).
   */
  readonly logits: Float32Array;
  /** The intersection over union with the true mask that the model expects, about 0 … 1. */
  readonly predictedIou: number;
  /** How little the mask changes when its threshold is moved by 1 up and down, 0 … 1. */
  readonly stabilityScore: number;

  constructor(fields: InteractiveMaskFields) {
    const { width, height, draw, area, box, logits, predictedIou, stabilityScore } = fields;
    super(1, 'object', Math.min(1, Math.max(0, predictedIou)), width, height, area, box, draw);
    this.logits = logits;
    this.predictedIou = predictedIou;
    this.stabilityScore = stabilityScore;
  }
}
