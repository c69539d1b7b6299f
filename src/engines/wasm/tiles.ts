/** Bytes of rows per tile where rows are only moved, rounded or normalised. */
const MOVE_BYTES = 64 << 10;

/** Rows per tile of what passes over rows once. */
export function rowsPerTile(rowBytes: number): number {
  return Math.max(1, Math.floor(MOVE_BYTES / rowBytes));
}
