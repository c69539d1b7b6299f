/** The base URL of the bundled model: two levels up both from src/adapters and from dist/browser. */
export function bundledModelUrl(): string {
  return new URL('../../weights', import.meta.url).href;
}
