/**
 * Loads one of Node's own modules in a way that bundlers do not see, for code that browsers load too. Test runners that
 * allow no dynamic import (Jest's defaults) get it as well, from Node 20.16 on. Call it only where Node runs.
 */
export function nodeBuiltin<Module>(name: `node:${string}`): Promise<Module> {
  const builtin = process.getBuiltinModule?.(name) as Module | undefined;
  return builtin
    ? Promise.resolve(builtin)
    : (import(/* webpackIgnore: true */ /* @vite-ignore */ name) as Promise<Module>);
}
