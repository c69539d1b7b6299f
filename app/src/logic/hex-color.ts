/** `#rrggbb` as RGB 0 … 255. */
export function rgbOf(color: string): [number, number, number] {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
