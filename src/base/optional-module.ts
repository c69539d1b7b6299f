/** An optional package that is not installed, or cannot be found from where the code runs. */
export class NotInstalled extends Error {
  constructor(readonly packageName: string) {
    super(`the npm package ${packageName} is not installed here`);
  }
}

/**
 * Imports an optional package by a name that bundlers do not follow: they would stop where it is not installed.
 *
 * @throws NotInstalled, or what the package itself throws.
 */
export async function optionalModule<Module>(packageName: string): Promise<Module> {
  try {
    return (await import(
      /* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ packageName
    )) as Module;
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const missing =
      code === 'ERR_MODULE_NOT_FOUND' ||
      code === 'MODULE_NOT_FOUND' ||
      /resolve module specifier|not remapped|Cannot find module/i.test(message ?? '');
    if (missing && message?.includes(packageName)) throw new NotInstalled(packageName);
    throw error;
  }
}
