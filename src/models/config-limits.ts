/**
 * What no real model's config exceeds, checked before any work is done by it. The largest published vision transformer
 * (ViT-22B) has 48 blocks of width 6144.
 */
export const configLimits = {
  /** Blocks, and layers of any kind. */
  depth: 512,
  /** Channels, heads, and hidden widths. */
  width: 1 << 16,
  /** Sides of pictures and patches, in pixels. */
  side: 1 << 13,
} as const;
