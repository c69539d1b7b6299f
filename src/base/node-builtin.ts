/**
 * Loads one of Node's own modules by a name that bundlers do not see, for code that browsers load too.
 * Call it only where Node runs.
 */
export function nodeBuiltin<Module>(name: `node:${string}`): Promise<Module> {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ name) as Promise<Module>;
}
