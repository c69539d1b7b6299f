import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where Linux shows graphics hardware: render nodes, NVIDIA's driver, and Windows' GPU under WSL. */
const DEVICES = /^(renderD\d+|nvidia\d+|dxg)$/;
const LIBRARY = 'libvulkan.so.1';

/**
 * Why this machine can have no WebGPU adapter of hardware, as far as one can see without loading a driver; `undefined` if
 * it may have one. Loading Dawn where there is none prints complaints that nobody asked for.
 */
export async function lacksGpu(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const devices = [...(await list('/dev')), ...(await list('/dev/dri'))];
  if (!devices.some((name) => DEVICES.test(name))) return 'this machine shows no graphics hardware';
  const directories = [
    ...(process.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean),
    ...['/usr/lib', '/usr/lib64', '/lib', '/lib64', '/usr/local/lib'],
    ...['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu`),
  ];
  for (const directory of directories) if (await exists(join(directory, LIBRARY))) return undefined;
  return `there is no Vulkan loader (${LIBRARY})`;
}

const list = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
